package capture

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// A place is a variable or a part of it: order, order.Status, totals[i], *count.
type place struct {
	variable *types.Var
	path     []string // ".Status", "[i]", "*"
	inMap    bool     // the last element of the path is an index into a map
	expr     ast.Expr
}

// steps returns the path without dereferences, which Go often leaves out.
func (p place) steps() []string {
	var all []string
	for _, element := range p.path {
		if element != "*" {
			all = append(all, element)
		}
	}
	return all
}

// place returns what an expression denotes. It finds none if the expression is not a
// variable of the function or a part of one.
func (f *facts) place(e ast.Expr) (place, bool) {
	p, ok := f.placeOf(e)
	if !ok || !f.contains(p.variable) {
		return place{}, false
	}
	p.expr = e
	return p, true
}

func (f *facts) placeOf(e ast.Expr) (place, bool) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.placeOf(e.X)
	case *ast.Ident:
		if v := f.variable(e); v != nil && f.aliases[v] == nil {
			return place{variable: v}, true
		}
	case *ast.StarExpr:
		if target := f.aliasOf(e.X); target != nil {
			return f.placeOf(target)
		}
		return f.part(e.X, "*")
	case *ast.SelectorExpr:
		if target := f.aliasOf(e.X); target != nil {
			return f.part(target, "."+e.Sel.Name)
		}
		return f.part(e.X, "."+e.Sel.Name)
	case *ast.IndexExpr:
		p, ok := f.part(e.X, "["+types.ExprString(e.Index)+"]")
		p.inMap = isMap(f.info.TypeOf(e.X))
		return p, ok
	}
	return place{}, false
}

// part returns the part of x that element denotes.
func (f *facts) part(x ast.Expr, element string) (place, bool) {
	p, ok := f.placeOf(x)
	p.path = append(slices.Clip(p.path), element)
	p.inMap = false
	return p, ok
}

// variable returns the variable that an identifier denotes, nil if it denotes another thing.
func (f *facts) variable(id *ast.Ident) *types.Var {
	v, _ := f.info.ObjectOf(id).(*types.Var)
	return v
}

// aliasOf returns what a pointer variable always points to, such as x after p := &x.
func (f *facts) aliasOf(e ast.Expr) ast.Expr {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v := f.variable(id); v != nil {
			return f.aliases[v]
		}
	}
	return nil
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// How an expression uses a place.
type use int

const (
	useValue  use = iota // reads the value
	useMethod            // calls a method of it
	useNil               // compares it with nil
	useLen               // reads its length
)

// changes reports whether a write to w certainly changes what a use of r sees.
func changes(w, r place, how use) bool {
	if w.variable != r.variable {
		return false
	}
	if len(w.path) == 0 {
		return true
	}
	written, read := w.steps(), r.steps()
	switch {
	case how == useNil, how == useMethod && len(written) > 0:
		return false
	case how == useLen && len(read) < len(written) && !w.inMap:
		return false // assigning an element or a field does not change the length
	}
	for i := range min(len(written), len(read)) {
		if !sameElement(written[i], read[i]) {
			return false
		}
	}
	return true
}

// sameElement reports whether two elements of paths can be the same part. An index that is
// known is only compared with another one that is known.
func sameElement(a, b string) bool {
	if a[0] != '[' || b[0] != '[' {
		return a == b
	}
	return a == b || !isConstantIndex(a) && !isConstantIndex(b)
}

func isConstantIndex(element string) bool {
	return strings.ContainsAny(element[1:2], "\"`'0123456789")
}

// overwrites reports whether an assignment to a replaces what was written to w.
func overwrites(a, w place) bool {
	assigned, written := a.steps(), w.steps()
	if a.variable != w.variable || len(assigned) > len(written) {
		return false
	}
	for i, element := range assigned {
		if element[0] != written[i][0] || element[0] == '.' && element != written[i] {
			return false
		}
	}
	return true
}
