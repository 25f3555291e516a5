package capture

import (
	"go/ast"
	"go/token"
	"go/types"
)

// An origin is where the value of a variable comes from. It decides whether a change to a
// part of the value is lost when the function is called again: through a pointer or map from
// outside it is not.
type origin int

const (
	originOutside origin = iota // it may refer to what outlives the call
	originNew                   // the call makes it, and its fields may refer to anything
	originDecoded               // the call decodes it, with all that it refers to
)

// isLost reports whether a change to the place is gone in the next call.
func (f *facts) isLost(p place) bool {
	if len(p.path) == 0 {
		return true
	}
	switch f.origins[p.variable] {
	case originDecoded:
		return true
	case originNew:
		return len(p.steps()) <= 1
	case originOutside:
	}
	return false
}

// findOrigins finds the origin of each variable: the least certain of its values.
func (f *facts) findOrigins() {
	if params := f.signature().Params.List; f.handler && len(params) > 1 {
		for _, name := range params[1].Names {
			f.setOrigin(name, originDecoded)
		}
	}
	f.inspect(func(n ast.Node, _ []ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i, target := range n.Lhs {
				if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
					f.setValue(target, n.Rhs[min(i, len(n.Rhs)-1)])
				}
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if len(n.Values) > 0 {
					f.setValue(name, n.Values[min(i, len(n.Values)-1)])
				} else {
					f.setOrigin(name, originNew)
				}
			}
		case *ast.RangeStmt:
			elements := f.originOf(n.X)
			if elements == originNew { // the elements may be pointers
				elements = originOutside
			}
			f.setOrigin(n.Key, elements)
			f.setOrigin(n.Value, elements)
		}
	})
}

// setValue notes that a variable gets a value.
func (f *facts) setValue(target, value ast.Expr) {
	f.setOrigin(target, f.originOf(value))
	if id, ok := target.(*ast.Ident); ok {
		if source := f.changing(value); source != "" {
			f.changingValues[f.variable(id)] = source
		}
	}
}

func (f *facts) setOrigin(target ast.Expr, o origin) {
	id, ok := target.(*ast.Ident)
	if !ok {
		return
	}
	v := f.variable(id)
	if v == nil {
		return
	}
	if known, ok := f.origins[v]; ok {
		o = min(o, known)
	}
	f.origins[v] = o
}

// originOf returns the origin of an expression's value.
func (f *facts) originOf(e ast.Expr) origin {
	switch e := ast.Unparen(e).(type) {
	case *ast.CompositeLit, *ast.BasicLit, *ast.BinaryExpr, *ast.FuncLit:
		return originNew
	case *ast.UnaryExpr:
		if _, ok := e.X.(*ast.CompositeLit); ok {
			return originNew
		}
	case *ast.CallExpr:
		switch {
		case stepID(f.info, e) != nil:
			return originDecoded
		case f.isBuiltin(e, "make"), f.isBuiltin(e, "new"):
			return originNew
		case f.isBuiltin(e, "append"):
			return min(f.originOf(e.Args[0]), originNew)
		}
	case *ast.Ident:
		if _, ok := f.info.Uses[e].(*types.Nil); ok {
			return originDecoded
		}
		return f.origins[f.variable(e)]
	case *ast.SelectorExpr, *ast.IndexExpr:
		if p, ok := f.placeOf(e); ok && f.origins[p.variable] == originDecoded {
			return originDecoded
		}
	}
	return originOutside
}
