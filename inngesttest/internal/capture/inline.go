package capture

import "go/ast"

// run walks a literal where it is called and returns the state after it. A literal with
// several ends counts by its last statement: at the others it usually returns an error, and
// the function does not go on.
func (w *walker) run(literal *ast.FuncLit, s state) state {
	if w.inline[literal] || s.isDead {
		return s
	}
	w.inline[literal] = true
	jumps := w.jumps
	w.jumps = nil
	w.results = append(w.results, literal.Type.Results)
	out := w.lastState(literal.Body.List, s)
	w.results = w.results[:len(w.results)-1]
	w.jumps = jumps
	delete(w.inline, literal)
	if out.isDead {
		return s
	}
	return out
}

func (w *walker) lastState(list []ast.Stmt, s state) state {
	if len(list) == 0 {
		return s
	}
	last := len(list) - 1
	s = w.stmts(list[:last], s)
	if ret, ok := list[last].(*ast.ReturnStmt); ok && !s.isDead {
		return w.returned(ret, s)
	}
	return w.stmt(list[last], s)
}

// parallel walks the branches of Parallel and returns the state after all have ended.
func (w *walker) parallel(arguments []ast.Expr, s state) state {
	after := s
	for _, argument := range arguments {
		for _, literal := range w.branchLiterals(argument) {
			out := w.run(literal, s)
			added := out.without(func(wr *write) bool { return s.lost[wr] })
			after = after.without(func(wr *write) bool { return s.lost[wr] && !out.lost[wr] })
			after = join(after, added)
		}
	}
	return after
}

// branchLiterals returns the literals of an argument of Parallel.
func (w *walker) branchLiterals(argument ast.Expr) []*ast.FuncLit {
	switch e := ast.Unparen(argument).(type) {
	case *ast.FuncLit:
		return []*ast.FuncLit{e}
	case *ast.Ident:
		return w.literals[w.variable(e)]
	case *ast.CompositeLit:
		var all []*ast.FuncLit
		for _, element := range e.Elts {
			if literal, ok := element.(*ast.FuncLit); ok {
				all = append(all, literal)
			}
		}
		return all
	}
	return nil
}
