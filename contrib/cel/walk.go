package inngestcel

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// logic is what the server takes in an expression over two events
// (DefaultRestrictiveValidationPolicy of its pkg/expressions).
var logic = []string{
	operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.Index, operators.OptIndex, operators.OptSelect, operators.In,
	"int", "uint", "double",
}

// walker looks at all of an expression.
type walker struct {
	expression inngestkit.Expression
	problems   []string
	// macros has the paths that the variables of macros stand for, "" if not known.
	macros map[string]string
}

// add notes a problem, once.
func (w *walker) add(reason string) {
	if !slices.Contains(w.problems, reason) {
		w.problems = append(w.problems, reason)
	}
}

func (w *walker) walk(e ast.Expr) {
	if path, ok := w.path(e); ok {
		w.checkPath(path)
	}
	switch e.Kind() {
	case ast.SelectKind:
		if s := e.AsSelect(); s.IsTestOnly() {
			w.refuseMacro("has(…)")
		}
		w.below(e.AsSelect().Operand())
	case ast.CallKind:
		w.walkCall(e.AsCall())
	case ast.ListKind:
		for _, element := range e.AsList().Elements() {
			w.walk(element)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			w.walk(entry.AsMapEntry().Key())
			w.walk(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		w.walkMacro(e.AsComprehension())
	default: // literals and names
	}
}

// below walks what a longer path goes on from, whose shorter paths are not of interest.
func (w *walker) below(e ast.Expr) {
	if _, ok := w.path(e); !ok {
		w.walk(e)
	}
}

func (w *walker) walkCall(c ast.CallExpr) {
	if w.expression.TwoEvents() && !slices.Contains(logic, c.FunctionName()) {
		w.add(fmt.Sprintf("calls %s, and the server takes no functions here but "+
			"comparisons, &&, ||, !, ?:, in, int, uint and double", displayName(c.FunctionName())))
	}
	if c.IsMemberFunction() {
		w.walk(c.Target())
	}
	args := c.Args()
	if c.FunctionName() == operators.Index && len(args) == 2 {
		w.below(args[0])
		w.walk(args[1])
		return
	}
	for _, arg := range args {
		w.walk(arg)
	}
}

func displayName(function string) string {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		return symbol
	}
	return function
}

// walkMacro walks what the parser makes of a macro such as event.data.items.exists(i, …).
func (w *walker) walkMacro(c ast.ComprehensionExpr) {
	w.refuseMacro("exists(…) and the like")
	w.walk(c.IterRange())
	of, known := w.path(c.IterRange())
	if known {
		of += "[0]"
	}
	outer := w.macros
	defer func() { w.macros = outer }()
	w.macros = map[string]string{c.AccuVar(): ""}
	maps.Copy(w.macros, outer)
	w.macros[c.IterVar()] = of
	for _, e := range []ast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
		w.walk(e)
	}
}

func (w *walker) refuseMacro(name string) {
	if w.expression.TwoEvents() {
		w.add(fmt.Sprintf("uses %s, and the server takes no macros here", name))
	}
}

// path is the path that e is in the syntax of expressions, if it is one.
func (w *walker) path(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		if of, ok := w.macros[e.AsIdent()]; ok {
			return of, of != ""
		}
		return e.AsIdent(), e.AsIdent() == "event" || e.AsIdent() == "async"
	case ast.SelectKind:
		of, ok := w.path(e.AsSelect().Operand())
		return of + "." + e.AsSelect().FieldName(), ok
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index || len(c.Args()) != 2 || c.Args()[1].Kind() != ast.LiteralKind {
			return "", false
		}
		of, ok := w.path(c.Args()[0])
		switch index := c.Args()[1].AsLiteral().(type) {
		case types.String:
			return of + "[" + strconv.Quote(string(index)) + "]", ok && plain.MatchString(string(index))
		case types.Int:
			return of + "[" + strconv.Itoa(int(index)) + "]", ok && index >= 0
		}
	default: // no path
	}
	return "", false
}

// plain are names that need no escapes.
var plain = regexp.MustCompile(`^[^"\\[:cntrl:]]*$`)

func (w *walker) checkPath(path string) {
	if err := w.expression.CheckPath(path); err != nil {
		w.add(err.Error())
	}
}
