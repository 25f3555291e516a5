package capture

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// maxDepth is how many calls deep the functions are that a handler calls.
const maxDepth = 5

// Whether the second parameter of a function is the input of a run.
const (
	isHandler = true
	isHelper  = false
)

// A checker checks functions of one package.
type checker struct {
	pkg      *pkg
	checked  map[ast.Node]bool
	called   []function // by functions that were checked
	findings map[found]Finding
	hints    map[token.Pos]Hint
}

// found identifies a finding: a step and the variable that it changes.
type found struct {
	step     *ast.CallExpr
	variable *types.Var
}

func newChecker(p *pkg) *checker {
	return &checker{pkg: p, checked: map[ast.Node]bool{}, findings: map[found]Finding{}, hints: map[token.Pos]Hint{}}
}

// check checks a function and the literals in it that run on their own.
func (c *checker) check(fn function, handler bool) {
	if c.checked[fn.node] || fn.body() == nil {
		return
	}
	c.checked[fn.node] = true
	if !importsSteps(c.pkg.fileOf[fn.decl]) {
		c.noteCalls(fn, &types.Info{}) // by name, which is faster than resolving the names
		return
	}
	info := c.pkg.infoOf(fn.decl)
	c.noteCalls(fn, info)
	if !hasSteps(info, fn.body()) {
		return
	}
	f := collect(fn, info, handler)
	c.walk(f)
	c.hint(f)
	for literal, role := range f.roles {
		if role == rolePlain {
			c.check(function{literal, fn.decl}, isHelper)
		}
	}
}

// walk follows the control flow of a function.
func (c *checker) walk(f *facts) {
	reads := map[*write]ast.Node{}
	var order []*write
	w := &walker{
		facts: f, inline: map[*ast.FuncLit]bool{}, writesOf: map[*ast.CallExpr][]*write{},
		failed:  map[*types.Var]int{},
		results: []*ast.FieldList{f.signature().Results},
		report: func(w *write, readAt ast.Node) {
			if reads[w] == nil {
				reads[w] = readAt
				order = append(order, w)
			}
		},
	}
	w.stmts(f.body().List, state{})
	slices.SortFunc(order, func(a, b *write) int { return int(a.expr.Pos() - b.expr.Pos()) })
	for _, wr := range order {
		key := found{wr.step, wr.variable}
		if _, ok := c.findings[key]; !ok {
			c.findings[key] = c.pkg.finding(wr, reads[wr])
		}
	}
}

// noteCalls notes the functions and methods of the package that a function calls outside of
// callbacks.
func (c *checker) noteCalls(fn function, info *types.Info) {
	callbacks := map[ast.Node]bool{}
	ast.Inspect(fn.body(), func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if literal := callback(info, call); literal != nil {
				callbacks[literal] = true
			}
			if decl := c.callee(fn.decl, info, call); decl != nil {
				c.called = append(c.called, function{decl, decl})
			}
		}
		return !callbacks[n]
	})
}

// callee returns the declaration of a function or method of the package that is called, nil
// if it is not known.
func (c *checker) callee(decl ast.Decl, info *types.Info, call *ast.CallExpr) *ast.FuncDecl {
	switch fn := uninstantiated(call.Fun).(type) {
	case *ast.Ident:
		if object := info.ObjectOf(fn); object == nil || object.Pkg() != nil && object.Parent() == object.Pkg().Scope() {
			return c.pkg.funcs[fn.Name]
		}
	case *ast.SelectorExpr:
		id, ok := fn.X.(*ast.Ident)
		if !ok {
			return nil
		}
		if method, ok := decl.(*ast.FuncDecl); ok && isReceiver(method, id) {
			return c.pkg.methods[[2]string{receiverType(method), fn.Sel.Name}]
		}
		if v, ok := info.Uses[id].(*types.Var); ok {
			return c.pkg.methods[[2]string{typeName(v), fn.Sel.Name}]
		}
	}
	return nil
}

// isReceiver reports whether an identifier has the name of a method's receiver.
func isReceiver(method *ast.FuncDecl, id *ast.Ident) bool {
	return method.Recv.NumFields() == 1 && len(method.Recv.List[0].Names) == 1 && method.Recv.List[0].Names[0].Name == id.Name
}

// typeName returns the name of a variable's type in the package, without its pointer.
func typeName(v *types.Var) string {
	t := v.Type()
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() == v.Pkg() {
		return named.Obj().Name()
	}
	return ""
}

// followCalls checks the functions that were called, and what they call.
func (c *checker) followCalls() {
	for range maxDepth {
		next := c.called
		c.called = nil
		for _, fn := range next {
			c.check(fn, isHelper)
		}
	}
}
