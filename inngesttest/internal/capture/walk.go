package capture

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
)

// A state is a point in the control flow: the writes of step callbacks that are not
// overwritten there.
type state struct {
	isDead bool // the point cannot be reached
	lost   map[*write]bool
}

var deadEnd = state{isDead: true}

// join returns the state after two paths meet.
func join(a, b state) state {
	if a.isDead {
		return b
	}
	if b.isDead || len(b.lost) == 0 {
		return a
	}
	all := maps.Clone(b.lost)
	maps.Copy(all, a.lost)
	return state{lost: all}
}

// with returns the state after writes.
func (s state) with(writes []*write) state {
	if s.isDead || len(writes) == 0 {
		return s
	}
	all := maps.Clone(s.lost)
	if all == nil {
		all = map[*write]bool{}
	}
	for _, w := range writes {
		all[w] = true
	}
	return state{lost: all}
}

// without returns the state without the writes for which isGone returns true.
func (s state) without(isGone func(*write) bool) state {
	if len(s.lost) == 0 {
		return s
	}
	rest := maps.Clone(s.lost)
	maps.DeleteFunc(rest, func(w *write, _ bool) bool { return isGone(w) })
	return state{isDead: s.isDead, lost: rest}
}

// A jump collects the states at the break and continue statements of one statement.
type jump struct {
	label           string
	isLoop          bool
	breaks, resumes state
}

// A walker follows the control flow of a function and of the literals that run inline.
type walker struct {
	*facts

	report   func(w *write, readAt ast.Node)
	jumps    []*jump
	label    string                     // of the statement that comes next
	results  []*ast.FieldList           // of the function and the literals that are walked
	inline   map[*ast.FuncLit]bool      // the literals that are walked
	writesOf map[*ast.CallExpr][]*write // by step
	failed   map[*types.Var]int         // the variables that are not nil here, as in if err != nil
}

func (w *walker) stmts(list []ast.Stmt, s state) state {
	for _, stmt := range list {
		s = w.stmt(stmt, s)
	}
	return s
}

// stmt returns the state after a statement.
func (w *walker) stmt(stmt ast.Stmt, s state) state {
	if s.isDead {
		return s
	}
	label := w.label
	w.label = ""
	switch stmt := stmt.(type) {
	case *ast.BlockStmt:
		return w.stmts(stmt.List, s)
	case *ast.LabeledStmt:
		w.label = stmt.Label.Name
		j := w.push(stmt.Label.Name, false)
		return join(w.stmt(stmt.Stmt, s), w.pop(j).breaks)
	case *ast.IfStmt:
		return w.ifStmt(stmt, s)
	case *ast.ForStmt:
		return w.forStmt(stmt, label, s)
	case *ast.RangeStmt:
		return w.rangeStmt(stmt, label, s)
	case *ast.SwitchStmt:
		s = w.optional(stmt.Init, s)
		s = w.expr(stmt.Tag, s)
		return w.clauses(stmt.Body, s)
	case *ast.TypeSwitchStmt:
		s = w.optional(stmt.Init, s)
		return w.clauses(stmt.Body, w.stmt(stmt.Assign, s))
	case *ast.SelectStmt:
		return w.clauses(stmt.Body, s)
	case *ast.BranchStmt:
		return w.branch(stmt, s)
	case *ast.ReturnStmt:
		w.returned(stmt, s)
		return deadEnd
	default:
		return w.simple(stmt, s)
	}
}

// simple returns the state after a statement that contains no others.
func (w *walker) simple(stmt ast.Stmt, s state) state {
	switch stmt := stmt.(type) {
	case *ast.AssignStmt:
		return w.assign(stmt, s)
	case *ast.DeclStmt:
		return w.declare(stmt, s)
	case *ast.ExprStmt:
		call, isCall := stmt.X.(*ast.CallExpr)
		if isCall {
			s = w.forget(s, map[*types.Var]bool{w.maySet(call, true): true})
		}
		s = w.expr(stmt.X, s)
		if isCall && w.neverReturns(call) {
			return deadEnd
		}
		return s
	case *ast.IncDecStmt:
		return w.expr(stmt.X, s)
	case *ast.SendStmt:
		return w.expr(stmt.Value, w.expr(stmt.Chan, s))
	case *ast.GoStmt:
		return w.later(stmt.Call, s)
	case *ast.DeferStmt:
		return w.later(stmt.Call, s)
	}
	return s
}

// later returns the state after go or defer: the arguments are evaluated at once.
func (w *walker) later(call *ast.CallExpr, s state) state {
	if _, isLiteral := call.Fun.(*ast.FuncLit); !isLiteral {
		s = w.expr(call.Fun, s)
	}
	return w.exprs(call.Args, s)
}

func (w *walker) optional(stmt ast.Stmt, s state) state {
	if stmt == nil {
		return s
	}
	return w.stmt(stmt, s)
}

func (w *walker) ifStmt(stmt *ast.IfStmt, s state) state {
	s = w.optional(stmt.Init, s)
	if w.isCleanup(stmt) {
		return s
	}
	s = w.restored(s, stmt.Body, stmt.Cond)
	s = w.expr(stmt.Cond, s)
	tested := w.notNil(stmt.Cond)
	w.failed[tested]++
	then := w.stmt(stmt.Body, s)
	w.failed[tested]--
	return join(then, w.optional(stmt.Else, s))
}

func (w *walker) forStmt(stmt *ast.ForStmt, label string, s state) state {
	s = w.optional(stmt.Init, s)
	s = w.restored(s, stmt.Body, stmt.Cond)
	return w.loop(label, s, func(s state, j *jump) (again, after state) {
		s = w.expr(stmt.Cond, s)
		after = s
		if stmt.Cond == nil {
			after = deadEnd
		}
		s = join(w.stmt(stmt.Body, s), j.resumes)
		return w.optional(stmt.Post, s), after
	})
}

func (w *walker) rangeStmt(stmt *ast.RangeStmt, label string, s state) state {
	s = w.use(stmt.X, s, rangeUse(stmt))
	return w.loop(label, s, func(s state, j *jump) (again, after state) {
		after = s
		s = w.overwrite(stmt.Key, w.overwrite(stmt.Value, s))
		return join(w.stmt(stmt.Body, s), j.resumes), after
	})
}

// rangeUse returns how a range clause uses what it ranges over.
func rangeUse(stmt *ast.RangeStmt) use {
	if stmt.Value == nil {
		return useLen
	}
	return useValue
}

// loop walks the body of a loop until its state does not change any more.
func (w *walker) loop(label string, s state, body func(state, *jump) (again, after state)) state {
	exits := deadEnd
	for {
		j := w.push(label, true)
		again, after := body(s, j)
		w.pop(j)
		exits = join(exits, join(after, j.breaks))
		next := join(s, again)
		if len(next.lost) == len(s.lost) {
			return exits
		}
		s = next
	}
}

// clauses returns the state after the clauses of a switch or select statement.
func (w *walker) clauses(body *ast.BlockStmt, s state) state {
	j := w.push("", false)
	after, fallen := deadEnd, deadEnd
	hasDefault := false
	for _, clause := range body.List {
		var list []ast.Stmt
		in := s
		switch clause := clause.(type) {
		case *ast.CaseClause:
			hasDefault = hasDefault || clause.List == nil
			list = clause.Body
			s = w.restored(s, &ast.BlockStmt{List: list}, clause.List...)
			s = w.exprs(clause.List, s)
			in = s
		case *ast.CommClause:
			hasDefault = true // one clause always runs
			list = clause.Body
			in = w.optional(clause.Comm, s)
		}
		out := w.stmts(list, join(in, fallen))
		if fallen = deadEnd; endsInFallthrough(list) {
			fallen = out
		} else {
			after = join(after, out)
		}
	}
	if !hasDefault {
		after = join(after, s)
	}
	return join(after, w.pop(j).breaks)
}

func endsInFallthrough(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	branch, ok := list[len(list)-1].(*ast.BranchStmt)
	return ok && branch.Tok == token.FALLTHROUGH
}

func (w *walker) push(label string, isLoop bool) *jump {
	j := &jump{label: label, isLoop: isLoop, breaks: deadEnd, resumes: deadEnd}
	w.jumps = append(w.jumps, j)
	return j
}

func (w *walker) pop(j *jump) *jump {
	w.jumps = w.jumps[:len(w.jumps)-1]
	return j
}

// branch returns the state after break, continue, goto or fallthrough.
func (w *walker) branch(stmt *ast.BranchStmt, s state) state {
	if stmt.Tok == token.FALLTHROUGH {
		return s
	}
	if stmt.Tok == token.GOTO { // not followed: what comes after the label may seem to be out of reach
		return deadEnd
	}
	for _, j := range slices.Backward(w.jumps) {
		if stmt.Label != nil && j.label != stmt.Label.Name || stmt.Label == nil && j.label != "" && !j.isLoop {
			continue
		}
		if stmt.Tok == token.CONTINUE && !j.isLoop {
			continue
		}
		if stmt.Tok == token.BREAK {
			j.breaks = join(j.breaks, s)
		} else {
			j.resumes = join(j.resumes, s)
		}
		break
	}
	return deadEnd
}

// notNil returns v for the condition v != nil, else nil.
func (w *walker) notNil(condition ast.Expr) *types.Var {
	if e, ok := condition.(*ast.BinaryExpr); ok && e.Op == token.NEQ && w.isNil(e.Y) {
		if id, ok := e.X.(*ast.Ident); ok {
			return w.variable(id)
		}
	}
	return nil
}

// returnsError reports whether a return statement returns an error that is not nil, with
// other values that nobody uses.
func (w *walker) returnsError(stmt *ast.ReturnStmt) bool {
	if len(stmt.Results) < 2 {
		return false
	}
	isError := false
	ast.Inspect(stmt.Results[len(stmt.Results)-1], func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		isError = isError || ok && w.variable(id) != nil && w.failed[w.variable(id)] > 0
		return true
	})
	return isError
}

// returned reads what a return statement returns.
func (w *walker) returned(stmt *ast.ReturnStmt, s state) state {
	if w.returnsError(stmt) {
		return w.expr(stmt.Results[len(stmt.Results)-1], s)
	}
	s = w.exprs(stmt.Results, s)
	results := w.results[len(w.results)-1]
	if len(stmt.Results) > 0 || results == nil {
		return s
	}
	for _, field := range results.List {
		for _, name := range field.Names {
			if v, ok := w.info.Defs[name].(*types.Var); ok && w.contains(v) {
				w.readPlace(place{variable: v, expr: name}, stmt, useValue, s)
			}
		}
	}
	return s
}

// neverReturns reports whether a call ends the function.
func (w *walker) neverReturns(call *ast.CallExpr) bool {
	if w.isBuiltin(call, "panic") {
		return true
	}
	switch imported(w.info, call) {
	case "os.Exit", "runtime.Goexit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln":
		return true
	}
	return false
}
