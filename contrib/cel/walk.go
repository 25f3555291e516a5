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

// logic lists the operators and functions that the server accepts in an expression over
// two events (DefaultRestrictiveValidationPolicy in its pkg/expressions).
var logic = []string{
	operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.Index, operators.OptIndex, operators.OptSelect, operators.In,
	"int", "uint", "double",
}

// A walker visits all parts of a compiled expression and collects problems.
type walker struct {
	expression inngestkit.Expression
	problems   []string
	// macros maps the variables of macros to the paths they stand for, "" if unknown.
	macros map[string]string
}

// add adds a problem once.
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
	default: // literals and identifiers
	}
}

// below walks the operand of a path. It skips an operand that is itself a path, because
// walk has checked the longer one.
func (w *walker) below(e ast.Expr) {
	if _, ok := w.path(e); !ok {
		w.walk(e)
	}
}

func (w *walker) walkCall(c ast.CallExpr) {
	if w.expression.TwoEvents() && !slices.Contains(logic, c.FunctionName()) {
		w.add(fmt.Sprintf("calls %s; here the server accepts only "+
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

// walkMacro walks a macro such as event.data.items.exists(i, …), which the parser has
// expanded to a comprehension.
func (w *walker) walkMacro(c ast.ComprehensionExpr) {
	w.refuseMacro("a macro such as exists(…)")
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
		w.add(fmt.Sprintf("uses %s; the server accepts no macros here", name))
	}
}

// path returns the path that e denotes, in the syntax of expressions, and whether e is
// a path.
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
	default: // not a path
	}
	return "", false
}

// plain matches names that need no escaping.
var plain = regexp.MustCompile(`^[^"\\[:cntrl:]]*$`)

func (w *walker) checkPath(path string) {
	if err := w.expression.CheckPath(path); err != nil {
		w.add(err.Error())
	}
}
