package capture

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
)

// expr returns the state after an expression whose value is used.
func (w *walker) expr(e ast.Expr, s state) state { return w.use(e, s, useValue) }

// exprs returns the state after a list of expressions. Go evaluates calls in it before
// variables, as in return total, add(&total).
func (w *walker) exprs(list []ast.Expr, s state) state {
	for _, withCalls := range []bool{true, false} {
		for _, e := range list {
			if hasCall(e) == withCalls {
				s = w.expr(e, s)
			}
		}
	}
	return s
}

func hasCall(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.CallExpr:
			found = true
		case *ast.FuncLit:
			return false
		}
		return !found
	})
	return found
}

// use returns the state after an expression.
func (w *walker) use(e ast.Expr, s state, how use) state {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return w.use(e.X, s, how)
	case *ast.CallExpr:
		return w.call(e, s)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return w.addressTaken(e.X, s)
		}
		return w.expr(e.X, s)
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		return w.read(e, s, how)
	case *ast.BinaryExpr:
		how = useValue
		if w.isNil(e.X) || w.isNil(e.Y) {
			how = useNil
		}
		return w.use(e.Y, w.use(e.X, s, how), how)
	case *ast.KeyValueExpr:
		return w.expr(e.Value, w.expr(e.Key, s))
	case *ast.CompositeLit:
		for _, element := range e.Elts {
			s = w.expr(element, s)
		}
	case *ast.SliceExpr:
		for _, part := range []ast.Expr{e.X, e.Low, e.High, e.Max} {
			s = w.expr(part, s)
		}
	case *ast.TypeAssertExpr:
		return w.expr(e.X, s)
	}
	return s
}

func (f *facts) isNil(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	_, ok = f.info.Uses[id].(*types.Nil)
	return ok
}

// read returns the state after an expression that may denote a place.
func (w *walker) read(e ast.Expr, s state, how use) state {
	if p, ok := w.place(e); ok {
		w.readPlace(p, e, how, s)
		return w.indexes(e, s)
	}
	switch e := e.(type) {
	case *ast.Ident:
		if target := w.aliasOf(e); target != nil {
			return w.addressTaken(target, s)
		}
	case *ast.SelectorExpr:
		return w.expr(e.X, s)
	case *ast.StarExpr:
		return w.expr(e.X, s)
	case *ast.IndexExpr:
		return w.expr(e.Index, w.expr(e.X, s))
	}
	return s
}

// readPlace reports the writes that a use of a place misses.
func (w *walker) readPlace(p place, at ast.Node, how use, s state) {
	for wr := range s.lost {
		if changes(wr.place, p, how) {
			w.report(wr, at)
		}
	}
}

// indexes returns the state after the indexes in an expression for a place.
func (w *walker) indexes(e ast.Expr, s state) state {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return w.indexes(e.X, s)
	case *ast.StarExpr:
		return w.indexes(e.X, s)
	case *ast.SelectorExpr:
		return w.indexes(e.X, s)
	case *ast.IndexExpr:
		return w.expr(e.Index, w.indexes(e.X, s))
	}
	return s
}

// overwrite returns the state after an assignment to an expression.
func (w *walker) overwrite(target ast.Expr, s state) state {
	p, ok := w.place(target)
	if !ok {
		return s
	}
	return s.without(func(wr *write) bool { return overwrites(p, wr.place) })
}

// addressTaken returns the state after a call that may assign what a pointer points to.
func (w *walker) addressTaken(target ast.Expr, s state) state {
	p, ok := w.place(target)
	if !ok {
		return w.expr(target, s)
	}
	return w.forget(s, map[*types.Var]bool{p.variable: true})
}

// forget returns the state without the writes to variables.
func (w *walker) forget(s state, variables map[*types.Var]bool) state {
	return s.without(func(wr *write) bool { return variables[wr.variable] })
}

// assign returns the state after an assignment.
func (w *walker) assign(stmt *ast.AssignStmt, s state) state {
	var values []ast.Expr
	for i, value := range stmt.Rhs {
		isDropped := len(stmt.Lhs) == len(stmt.Rhs) && isBlank(stmt.Lhs[i])
		if _, isPlace := w.place(value); !isDropped || !isPlace {
			values = append(values, value)
		}
	}
	s = w.exprs(values, s)
	for _, target := range stmt.Lhs {
		if stmt.Tok != token.ASSIGN && stmt.Tok != token.DEFINE {
			s = w.expr(target, s)
		}
		s = w.overwrite(target, w.indexes(target, s))
	}
	return s
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// declare returns the state after a declaration.
func (w *walker) declare(stmt *ast.DeclStmt, s state) state {
	for _, spec := range stmt.Decl.(*ast.GenDecl).Specs {
		if spec, ok := spec.(*ast.ValueSpec); ok {
			s = w.exprs(spec.Values, s)
			for _, name := range spec.Names {
				s = w.overwrite(name, s)
			}
		}
	}
	return s
}

// call returns the state after a call.
func (w *walker) call(call *ast.CallExpr, s state) state {
	if fn := callback(w.info, call); fn != nil {
		return w.step(call, fn, s)
	}
	if all, ok := branches(w.info, call); ok {
		for _, argument := range all {
			if w.branchLiterals(argument) == nil {
				s = w.expr(argument, s)
			}
		}
		return w.parallel(all, s)
	}
	if len(call.Args) > 0 {
		switch {
		case w.isBuiltin(call, "len"), w.isBuiltin(call, "cap"):
			return w.use(call.Args[0], s, useLen)
		case w.isBuiltin(call, "clear"), w.isBuiltin(call, "copy"):
			s = w.overwrite(call.Args[0], s)
		}
	}
	literal := w.calledLiteral(call)
	if v := w.maySet(call, false); v != nil {
		s = w.forget(s, map[*types.Var]bool{v: true})
	} else if literal == nil {
		s = w.callee(call.Fun, s)
	}
	s = w.exprs(call.Args, s)
	if literal != nil {
		s = w.run(literal, s)
	}
	return s
}

// callee returns the state after the expression for the function of a call.
func (w *walker) callee(fn ast.Expr, s state) state {
	if selector, ok := ast.Unparen(fn).(*ast.SelectorExpr); ok {
		return w.use(selector.X, s, useMethod)
	}
	return w.expr(fn, s)
}

// calledLiteral returns the literal that a call runs inline, nil if it runs none.
func (w *walker) calledLiteral(call *ast.CallExpr) *ast.FuncLit {
	literal := w.literalOf(call.Fun)
	if literal == nil || w.roles[literal] != roleInline {
		return nil
	}
	return literal
}

// literalOf returns the only literal that an expression can be, nil if that is not known.
func (w *walker) literalOf(e ast.Expr) *ast.FuncLit {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		return e
	case *ast.Ident:
		if literals := w.literals[w.variable(e)]; len(literals) == 1 {
			return literals[0]
		}
	}
	return nil
}

// step returns the state after a step with a callback.
func (w *walker) step(call *ast.CallExpr, fn ast.Expr, s state) state {
	isInto := imported(w.info, call) == kitSteps+".Into"
	for i, argument := range call.Args {
		if ast.Unparen(argument) != fn && (i > 0 || !isInto) {
			s = w.expr(argument, s)
		}
	}
	literal := w.literalOf(fn)
	if literal == nil {
		s = w.expr(fn, s)
	} else if w.roles[literal] == roleCallback {
		w.readInCallback(literal, s)
		s = s.with(w.stepWrites(call, literal))
	}
	if isInto {
		s = w.expr(call.Args[0], s)
	}
	return s
}

// stepWrites returns the writes in the callback of a step.
func (w *walker) stepWrites(call *ast.CallExpr, literal *ast.FuncLit) []*write {
	if _, ok := w.writesOf[call]; !ok {
		all := make([]*write, 0, len(w.writes[literal]))
		for _, wr := range w.writes[literal] {
			all = append(all, &write{place: wr.place, step: call, literal: literal})
		}
		w.writesOf[call] = all
	}
	return w.writesOf[call]
}

var setter = regexp.MustCompile(`^(Reset|Init|Load|Read|Set|Refresh|Reload|Restore|Unmarshal|Parse|Decode|Scan|Apply|Fill|From)`)

// maySet returns the variable that a method call may give a new value: by the method's name,
// or because the call is a statement and has arguments.
func (w *walker) maySet(call *ast.CallExpr, isStatement bool) *types.Var {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || !setter.MatchString(selector.Sel.Name) && (!isStatement || len(call.Args) == 0) {
		return nil
	}
	p, _ := w.place(selector.X)
	return p.variable
}
