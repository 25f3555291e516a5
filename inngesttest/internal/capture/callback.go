package capture

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
)

// readInCallback reports the writes of earlier steps that a callback misses. A variable that
// the callback assigns or tests may be a cache, which it fills again.
func (w *walker) readInCallback(literal *ast.FuncLit, s state) {
	if len(s.lost) == 0 {
		return
	}
	own := w.assignedOrTested(literal)
	visible := s.without(func(wr *write) bool { return own[wr.variable] })
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if call, ok := e.(*ast.CallExpr); ok {
			if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
				if p, ok := w.place(selector.X); ok {
					w.readPlace(p, selector, useMethod, visible)
					for _, argument := range call.Args {
						ast.Inspect(argument, visit)
					}
					return false
				}
			}
		}
		p, ok := w.place(e)
		if ok {
			w.readPlace(p, e, useValue, visible)
		}
		return !ok
	}
	ast.Inspect(literal.Body, visit)
}

// assignedOrTested returns the variables that code assigns, passes on by their address or
// uses in a condition.
func (f *facts) assignedOrTested(code ast.Node) map[*types.Var]bool {
	found := map[*types.Var]bool{}
	ast.Inspect(code, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			f.addVariables(found, n.Cond)
		case *ast.SwitchStmt:
			f.addVariables(found, n.Tag)
		case *ast.CaseClause:
			f.addVariables(found, n.List...)
		case *ast.ForStmt:
			f.addVariables(found, n.Cond)
		}
		f.addAssigned(found, n)
		return true
	})
	return found
}

// addAssigned adds the variables that a node assigns or passes on by their address.
func (f *facts) addAssigned(found map[*types.Var]bool, n ast.Node) {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		targets = n.Lhs
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.RangeStmt:
		targets = []ast.Expr{n.Key, n.Value}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			targets = []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		for _, argument := range n.Args {
			if target := f.aliasOf(argument); target != nil {
				targets = append(targets, target)
			}
		}
	}
	for _, target := range targets {
		if p, ok := f.place(target); ok {
			found[p.variable] = true
		}
	}
}

// addVariables adds the variables in expressions.
func (f *facts) addVariables(found map[*types.Var]bool, list ...ast.Expr) {
	for _, e := range list {
		if e == nil {
			continue
		}
		ast.Inspect(e, func(n ast.Node) bool {
			if n, ok := n.(ast.Expr); ok {
				if p, ok := f.place(n); ok {
					found[p.variable] = true
				}
			}
			return true
		})
	}
}

// restored returns the state before a condition. If the body assigns a variable of the
// condition, as in if user == nil { user = load() }, it makes up for the memoized step: the
// check then trusts it with all that it assigns.
func (w *walker) restored(s state, body *ast.BlockStmt, conditions ...ast.Expr) state {
	if len(s.lost) == 0 {
		return s
	}
	tested, assigned := map[*types.Var]bool{}, map[*types.Var]bool{}
	w.addVariables(tested, conditions...)
	ast.Inspect(body, func(n ast.Node) bool {
		w.addAssigned(assigned, n)
		literal, ok := n.(*ast.FuncLit)
		return !ok || w.roles[literal] != roleCallback
	})
	for v := range tested {
		if assigned[v] {
			return w.forget(s, assigned)
		}
	}
	return s
}

var cleanup = regexp.MustCompile(`^(Close|Stop|Release|Cancel|Rollback|Unlock|Shutdown|Cleanup|Flush|Remove)`)

// isCleanup reports whether a statement is like if conn != nil { conn.Close() }: it does
// nothing for a value that a memoized step did not set.
func (w *walker) isCleanup(stmt *ast.IfStmt) bool {
	condition, ok := ast.Unparen(stmt.Cond).(*ast.BinaryExpr)
	if !ok || condition.Op != token.NEQ || !w.isNil(condition.Y) || stmt.Else != nil {
		return false
	}
	p, ok := w.place(condition.X)
	return ok && len(stmt.Body.List) == 1 && w.cleansUp(stmt.Body.List[0], p.variable)
}

// cleansUp reports whether a statement calls v, or a method of v that releases it.
func (w *walker) cleansUp(stmt ast.Stmt, v *types.Var) bool {
	var call ast.Expr
	switch stmt := stmt.(type) {
	case *ast.ExprStmt:
		call = stmt.X
	case *ast.DeferStmt:
		call = stmt.Call
	case *ast.AssignStmt:
		call = stmt.Rhs[0]
	default:
		return false
	}
	fn, ok := call.(*ast.CallExpr)
	if !ok {
		return false
	}
	called := fn.Fun
	if selector, ok := fn.Fun.(*ast.SelectorExpr); ok && cleanup.MatchString(selector.Sel.Name) {
		called = selector.X
	}
	p, ok := w.place(called)
	return ok && p.variable == v && len(p.path) == 0
}
