package capture

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A role is how a function uses a literal in its body.
type role int

const (
	rolePlain    role = iota // it may run at any time, or never
	roleInline               // it runs where it is called: a branch of Parallel, a local function
	roleCallback             // it is the callback of a step
)

// facts are what the check knows about a function before it follows the control flow.
type facts struct {
	function

	info     *types.Info
	handler  bool
	roles    map[*ast.FuncLit]role
	literals map[*types.Var][]*ast.FuncLit // the literals that a variable holds
	aliases  map[*types.Var]ast.Expr       // p: x, after p := &x
	ignored  map[*types.Var]bool           // variables that cannot be followed
	origins  map[*types.Var]origin
	writes   map[*ast.FuncLit][]*write // of callbacks
	// changingValues has the variables whose value differs from call to call, and the
	// function that returned it.
	changingValues map[*types.Var]string
}

// A write is a change to a place in the callback of a step.
type write struct {
	place

	step    *ast.CallExpr
	literal *ast.FuncLit
}

// collect returns the facts about a function.
func collect(fn function, info *types.Info, handler bool) *facts {
	f := &facts{
		function: fn, info: info, handler: handler,
		roles: map[*ast.FuncLit]role{}, literals: map[*types.Var][]*ast.FuncLit{},
		aliases: map[*types.Var]ast.Expr{}, ignored: map[*types.Var]bool{},
		origins: map[*types.Var]origin{}, writes: map[*ast.FuncLit][]*write{},
		changingValues: map[*types.Var]string{},
	}
	f.ignoreContexts()
	f.assignRoles()
	f.findAliases()
	f.eachWrite(f.noteWrite)
	f.findOrigins()
	f.findCallbackWrites()
	return f
}

// contains reports whether the function declares the variable and can follow it.
func (f *facts) contains(v *types.Var) bool {
	return v != nil && !v.IsField() && f.node.Pos() <= v.Pos() && v.Pos() < f.node.End() && !f.ignored[v]
}

// ignoreContexts ignores contexts, which callbacks replace for their own use.
func (f *facts) ignoreContexts() {
	ast.Inspect(f.node, func(n ast.Node) bool {
		if fn, ok := n.(*ast.FuncType); ok {
			for _, field := range fn.Params.List {
				if isContext(field.Type) {
					f.ignore(field.Names)
				}
			}
		}
		return true
	})
}

func (f *facts) ignore(names []*ast.Ident) {
	for _, name := range names {
		if v := f.variable(name); v != nil {
			f.ignored[v] = true
		}
	}
}

// enclosing returns the literals around a node, from outside to inside.
func enclosing(stack []ast.Node) []*ast.FuncLit {
	var all []*ast.FuncLit
	for _, n := range stack {
		if literal, ok := n.(*ast.FuncLit); ok {
			all = append(all, literal)
		}
	}
	return all
}

// inFlow reports whether the code below the stack runs where it stands: in the function
// itself or in literals that run inline.
func (f *facts) inFlow(stack []ast.Node) bool {
	for _, literal := range enclosing(stack) {
		if f.roles[literal] != roleInline {
			return false
		}
	}
	return true
}

// callbackAround returns the step's callback around the stack, nil if there is none in the flow.
func (f *facts) callbackAround(stack []ast.Node) *ast.FuncLit {
	for _, literal := range enclosing(stack) {
		switch f.roles[literal] {
		case roleCallback:
			return literal
		case rolePlain:
			return nil
		case roleInline:
		}
	}
	return nil
}

// inspect calls yield for each node in the body with the nodes around it.
func (f *facts) inspect(yield func(n ast.Node, stack []ast.Node)) {
	ast.PreorderStack(f.body(), nil, func(n ast.Node, stack []ast.Node) bool {
		yield(n, stack)
		return true
	})
}

// eachWrite calls yield for each expression in the body that is assigned or whose address is
// taken.
func (f *facts) eachWrite(yield func(target ast.Expr, parent ast.Node, stack []ast.Node)) {
	f.inspect(func(n ast.Node, stack []ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				yield(target, n, stack)
			}
		case *ast.IncDecStmt:
			yield(n.X, n, stack)
		case *ast.RangeStmt:
			for _, target := range []ast.Expr{n.Key, n.Value} {
				if target != nil {
					yield(target, n, stack)
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				yield(n.X, n, stack)
			}
		}
	})
}

// noteWrite ignores the variables that are changed where the check cannot follow.
func (f *facts) noteWrite(target ast.Expr, parent ast.Node, stack []ast.Node) {
	p, ok := f.place(target)
	if !ok {
		return
	}
	if address, ok := parent.(*ast.UnaryExpr); ok {
		if !f.isArgument(address, stack) && !f.isAliasOf(address, stack) {
			f.ignored[p.variable] = true
		}
	}
	for _, literal := range enclosing(stack) {
		isOwn := literal.Pos() <= p.variable.Pos() && p.variable.Pos() < literal.End()
		if isOwn || f.roles[literal] == roleCallback {
			return
		}
		if f.roles[literal] == rolePlain {
			f.ignored[p.variable] = true
			return
		}
	}
}

// isArgument reports whether an expression is an argument of a call.
func (f *facts) isArgument(e ast.Expr, stack []ast.Node) bool {
	if len(stack) == 0 {
		return false
	}
	call, ok := stack[len(stack)-1].(*ast.CallExpr)
	return ok && call.Fun != e
}

// isAliasOf reports whether &x is the value of an alias.
func (f *facts) isAliasOf(address *ast.UnaryExpr, stack []ast.Node) bool {
	name, _ := soleDefinition(address, stack)
	return name != nil && f.aliases[f.variable(name)] != nil
}

// soleDefinition returns the variable that a statement around e defines with e as its value.
func soleDefinition(e ast.Expr, stack []ast.Node) (*ast.Ident, bool) {
	if len(stack) == 0 {
		return nil, false
	}
	switch parent := stack[len(stack)-1].(type) {
	case *ast.AssignStmt:
		for i, value := range parent.Rhs {
			if value == e && len(parent.Lhs) == len(parent.Rhs) {
				name, _ := parent.Lhs[i].(*ast.Ident)
				return name, parent.Tok == token.DEFINE
			}
		}
	case *ast.ValueSpec:
		for i, value := range parent.Values {
			if value == e && len(parent.Names) == len(parent.Values) {
				return parent.Names[i], true
			}
		}
	}
	return nil, false
}

// findAliases finds pointers that are defined as &x, never change, and are only dereferenced
// or passed to calls.
func (f *facts) findAliases() {
	definitions := map[*types.Var]*ast.Ident{}
	f.inspect(func(n ast.Node, stack []ast.Node) {
		if address, ok := n.(*ast.UnaryExpr); ok && address.Op == token.AND && f.inFlow(stack) {
			if name, isNew := soleDefinition(address, stack); name != nil && isNew {
				if _, isPlace := f.place(address.X); isPlace && f.variable(name) != nil {
					f.aliases[f.variable(name)] = address.X
					definitions[f.variable(name)] = name
				}
			}
		}
	})
	f.inspect(func(n ast.Node, stack []ast.Node) {
		id, ok := n.(*ast.Ident)
		if !ok || f.aliases[f.variable(id)] == nil || definitions[f.variable(id)] == id {
			return
		}
		switch parent := stack[len(stack)-1].(type) {
		case *ast.StarExpr, *ast.SelectorExpr:
		case *ast.CallExpr:
			if parent.Fun == id {
				delete(f.aliases, f.variable(id))
			}
		default:
			delete(f.aliases, f.variable(id))
		}
	})
}

// findCallbackWrites finds what the callbacks of steps change.
func (f *facts) findCallbackWrites() {
	f.eachWrite(func(target ast.Expr, parent ast.Node, stack []ast.Node) {
		literal := f.callbackAround(stack)
		if literal == nil {
			return
		}
		if address, ok := parent.(*ast.UnaryExpr); ok && !f.isFilled(address, stack) {
			return
		}
		p, ok := f.place(target)
		isOwn := ok && literal.Pos() <= p.variable.Pos() && p.variable.Pos() < literal.End()
		if !ok || isOwn || !f.isLost(p) {
			return
		}
		f.writes[literal] = append(f.writes[literal], &write{place: p, literal: literal})
	})
}

// fillers are functions and methods that assign what their arguments point to.
var fillers = map[string]bool{
	"Unmarshal": true, "Decode": true, "Scan": true, "Sscan": true, "Sscanf": true, "Sscanln": true, "ScanStruct": true,
}

// isFilled reports whether &x is an argument of a function that assigns x.
func (f *facts) isFilled(address *ast.UnaryExpr, stack []ast.Node) bool {
	if !f.isArgument(address, stack) {
		return false
	}
	selector, ok := stack[len(stack)-1].(*ast.CallExpr).Fun.(*ast.SelectorExpr)
	return ok && fillers[selector.Sel.Name]
}
