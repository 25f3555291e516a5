package expr

import (
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/interpreter"
)

// A path is a variable and the keys below it.
type path []string

// paths returns the paths of an expression that the server looks for in the data. It does
// not see those in lists, in maps, in the bodies of macros, and to the left of a method.
func paths(root ast.Expr) []path {
	var found []path
	seen := map[string]bool{}
	for queue := []ast.Expr{root}; len(queue) > 0; queue = queue[1:] {
		switch e := queue[0]; e.Kind() {
		default:
		case ast.ComprehensionKind:
			queue = append(queue, e.AsComprehension().IterRange())
		case ast.CallKind:
			queue = append(queue, e.AsCall().Args()...)
		case ast.SelectKind:
			p := selected(e)
			if key := strings.Join(p, "."); len(p) > 1 && !seen[key] {
				seen[key] = true
				found = append(found, p)
			}
		}
	}
	return found
}

// selected returns the path of nested selections.
func selected(e ast.Expr) path {
	var p path
	for ; e.Kind() == ast.SelectKind; e = e.AsSelect().Operand() {
		p = append(path{e.AsSelect().FieldName()}, p...)
	}
	switch {
	case e.Kind() == ast.IdentKind:
		p = append(path{e.AsIdent()}, p...)
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index:
		// x["key"] is a path only if x is a variable. Other operands make it one that
		// no data has, and so does a key that was lifted.
		args := e.AsCall().Args()
		key := ""
		if args[1].Kind() == ast.LiteralKind {
			key, _ = args[1].AsLiteral().Value().(string)
		}
		variable := ""
		if args[0].Kind() == ast.IdentKind {
			variable = args[0].AsIdent()
		}
		p = append(path{variable, key}, p...)
	}
	return p
}

// in reports whether data has a value at the path, null included.
func (p path) in(data map[string]any) bool {
	for i, key := range p {
		value, ok := data[key]
		if !ok || i == len(p)-1 {
			return ok
		}
		if data, ok = value.(map[string]any); !ok {
			return false
		}
	}
	return false
}

// partial returns the data with the paths that it lacks as unknowns. CEL then takes the
// objects above such a path for unknown too, where they are used as a whole.
func partial(data map[string]any, paths []path) (interpreter.PartialActivation, error) {
	var unknown []*interpreter.AttributePattern
	for _, p := range paths {
		if p.in(data) {
			continue
		}
		pattern := interpreter.NewAttributePattern(p[0])
		for _, key := range p[1:] {
			pattern = pattern.QualString(key)
		}
		unknown = append(unknown, pattern)
	}
	return interpreter.NewPartialActivation(data, unknown...)
}
