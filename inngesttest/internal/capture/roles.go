package capture

import (
	"go/ast"
	"go/types"
	"slices"
)

// assignRoles decides what each literal in the body is for.
func (f *facts) assignRoles() {
	f.inspect(func(n ast.Node, stack []ast.Node) {
		if literal, ok := n.(*ast.FuncLit); ok {
			f.roles[literal] = f.directRole(literal, stack)
		}
	})
	uses := f.usesOfLiterals()
	for v, literals := range f.literals {
		if r := roleOfUses(uses[v], len(literals)); r != rolePlain {
			for _, literal := range literals {
				f.roles[literal] = r
			}
		} else {
			delete(f.literals, v)
		}
	}
}

// directRole returns the role of a literal that is written where it is used. For a literal
// that a variable gets, it notes the variable.
func (f *facts) directRole(literal *ast.FuncLit, stack []ast.Node) role {
	if len(stack) == 0 {
		return rolePlain
	}
	switch parent := stack[len(stack)-1].(type) {
	case *ast.CallExpr:
		if ast.Unparen(parent.Fun) == literal {
			return f.calledRole(stack[:len(stack)-1])
		}
		if r := f.argumentRole(parent, literal); r != rolePlain {
			return r
		}
		if f.isBuiltin(parent, "append") {
			f.holds(parent.Args[0], literal)
		}
	case *ast.CompositeLit:
		f.noteHolder(parent, literal, stack[:len(stack)-1])
		if len(stack) > 1 {
			if call, ok := stack[len(stack)-2].(*ast.CallExpr); ok {
				return f.argumentRole(call, parent)
			}
		}
	default:
		f.noteHolder(literal, literal, stack)
	}
	return rolePlain
}

// noteHolder notes the variable that gets value, which is the literal or contains it.
func (f *facts) noteHolder(value ast.Expr, literal *ast.FuncLit, stack []ast.Node) {
	if name, _ := soleDefinition(value, stack); name != nil {
		f.holds(name, literal)
		return
	}
	if assign, ok := stack[len(stack)-1].(*ast.AssignStmt); ok && len(assign.Lhs) == 1 {
		if index, ok := assign.Lhs[0].(*ast.IndexExpr); ok {
			f.holds(index.X, literal)
		}
	}
}

// holds notes that a variable of the function holds a literal.
func (f *facts) holds(e ast.Expr, literal *ast.FuncLit) {
	if id, ok := e.(*ast.Ident); ok {
		if v := f.variable(id); f.contains(v) {
			f.literals[v] = append(f.literals[v], literal)
		}
	}
}

// argumentRole returns the role that an argument of a call has.
func (f *facts) argumentRole(call *ast.CallExpr, argument ast.Expr) role {
	if callback(f.info, call) == argument {
		return roleCallback
	}
	all, _ := branches(f.info, call)
	if slices.Contains(all, argument) {
		return roleInline
	}
	return rolePlain
}

// calledRole returns the role of a literal that is called, by the nodes around the call.
func (f *facts) calledRole(stack []ast.Node) role {
	if len(stack) > 0 {
		switch stack[len(stack)-1].(type) {
		case *ast.GoStmt, *ast.DeferStmt:
			return rolePlain
		}
	}
	return roleInline
}

func (f *facts) isBuiltin(call *ast.CallExpr, name string) bool {
	id, ok := call.Fun.(*ast.Ident)
	if !ok || id.Name != name {
		return false
	}
	_, ok = f.info.Uses[id].(*types.Builtin)
	return ok
}

// usesOfLiterals returns how the function uses each variable that holds literals: the roles
// of its uses, with rolePlain for a use that the check does not follow.
func (f *facts) usesOfLiterals() map[*types.Var][]literalUse {
	uses := map[*types.Var][]literalUse{}
	f.inspect(func(n ast.Node, stack []ast.Node) {
		id, ok := n.(*ast.Ident)
		if !ok {
			return
		}
		if v := f.variable(id); f.literals[v] != nil {
			if use, ok := f.literalUse(id, stack); ok {
				if !f.inFlow(stack) {
					use.role = rolePlain
				}
				uses[v] = append(uses[v], use)
			}
		}
	})
	return uses
}

type literalUse struct {
	role    role
	ofSlice bool // the variable is a slice of functions
}

// literalUse returns how one identifier uses a variable that holds literals. It returns
// false for assignments and lengths.
func (f *facts) literalUse(id *ast.Ident, stack []ast.Node) (literalUse, bool) {
	switch parent := stack[len(stack)-1].(type) {
	case *ast.CallExpr:
		switch {
		case parent.Fun == id:
			return literalUse{role: f.calledRole(stack[:len(stack)-1])}, true
		case f.isBuiltin(parent, "len"), f.isBuiltin(parent, "append") && parent.Args[0] == id:
			return literalUse{}, false
		}
		return literalUse{f.argumentRole(parent, id), parent.Ellipsis.IsValid()}, true
	case *ast.IndexExpr:
		if assign, ok := stack[len(stack)-2].(*ast.AssignStmt); ok && assign.Lhs[0] == parent {
			return literalUse{}, false
		}
	case *ast.ValueSpec:
		return literalUse{}, len(parent.Values) > 0 && !isFunctionValue(parent.Values[0])
	case *ast.AssignStmt:
		if len(parent.Lhs) == 1 && parent.Lhs[0] == id {
			return literalUse{}, !isFunctionValue(parent.Rhs[0])
		}
	}
	return literalUse{}, true
}

// isFunctionValue reports whether an expression gives a variable literals or none: a literal,
// a list of them, append or make.
func isFunctionValue(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.FuncLit, *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		id, ok := e.Fun.(*ast.Ident)
		return ok && (id.Name == "append" || id.Name == "make")
	}
	return false
}

// roleOfUses returns the role of the literals in a variable with these uses.
func roleOfUses(uses []literalUse, literals int) role {
	if len(uses) == 0 {
		return rolePlain
	}
	for _, use := range uses {
		if use.role != uses[0].role || literals > 1 && !use.ofSlice {
			return rolePlain
		}
	}
	return uses[0].role
}
