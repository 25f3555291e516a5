package expr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// nullEventPaths replaces the event's paths in a residue by null. It reads the residue as
// the predicate parser of github.com/inngest/expr does, and writes it anew. What that parser
// cannot read is lost: calls of methods and functions, and ?:. Selections without an
// operator and the in operator become text that does not compile. Comparisons are not
// mirrored when their sides are exchanged.
func nullEventPaths(v version.Version, residue string) (string, error) {
	env, err := environment(v)
	if err != nil {
		return residue, err
	}
	lifted, vars, err := lift(v, residue)
	if err != nil {
		return residue, err
	}
	parsed, issues := env.Parse(lifted)
	if issues.Err() != nil {
		return residue, nil //nolint:nilerr // the server keeps the residue, too
	}
	r := predicateReader{version: v, vars: vars}
	root := r.group(parsed.NativeRep().Expr(), false)
	return root.text(0), r.err
}

// A predicateReader turns an expression into groups of predicates.
type predicateReader struct {
	version version.Version
	vars    map[string]any
	err     error
}

// A group holds if all predicates hold, and one of the groups in anyOf, if it has some.
type group struct {
	allOf []*predicate
	anyOf []*group
}

// negatable is an expression below an even or odd number of negations.
type negatable struct {
	ast.Expr

	negated bool
}

// group reads an expression. The operands of several || under one && become one list.
func (r *predicateReader) group(e ast.Expr, negated bool) *group {
	g := &group{}
	for queue := []negatable{{e, negated}}; len(queue) > 0; queue = queue[1:] {
		e := queue[0]
		switch e.Kind() {
		default: // literals and the like hold
		case ast.SelectKind:
			g.allOf = append(g.allOf, &predicate{ident: e.AsSelect().FieldName(), operator: "select"})
		case ast.ComprehensionKind:
			g.allOf = append(g.allOf, &predicate{ident: e.AsComprehension().IterVar(), operator: "comprehension"})
		case ast.CallKind:
			switch e.AsCall().FunctionName() {
			case operators.LogicalNot:
				queue = append(queue, negatable{e.AsCall().Args()[0], !e.negated})
			case operators.LogicalAnd:
				queue = append(queue, operands(e, operators.LogicalAnd)...)
			case operators.LogicalOr:
				for _, operand := range operands(e, operators.LogicalOr) {
					g.anyOf = append(g.anyOf, r.group(operand.Expr, operand.negated))
				}
			default:
				if p := r.predicate(e.AsCall(), e.negated); p != nil {
					g.allOf = append(g.allOf, p)
				}
			}
		}
	}
	return g
}

// operands returns the operands of nested && or ||, which all keep the negation.
func operands(e negatable, operator string) []negatable {
	var found []negatable
	for queue := []ast.Expr{e.Expr}; len(queue) > 0; queue = queue[1:] {
		if operand := queue[0]; operand.Kind() == ast.CallKind && operand.AsCall().FunctionName() == operator {
			queue = append(queue, operand.AsCall().Args()...)
		} else {
			found = append(found, negatable{operand, e.negated})
		}
	}
	return found
}

func (g *group) text(depth int) string {
	all, some := make([]string, 0, len(g.allOf)+1), make([]string, 0, len(g.anyOf))
	for _, p := range g.allOf {
		all = append(all, p.text())
	}
	for _, member := range g.anyOf {
		some = append(some, member.text(depth+1))
	}
	if len(some) > 0 {
		text := strings.Join(some, " || ")
		if len(some) > 1 && (depth > 0 || len(all) > 0) {
			text = "(" + text + ")"
		}
		all = append(all, text)
	}
	text := strings.Join(all, " && ")
	if depth > 0 && len(g.allOf) > 0 && len(all) > 1 {
		text = "(" + text + ")"
	}
	return text
}

// null is the text of null.
const null = "null"

// A predicate compares an identifier with a literal or, if other is set, with another.
type predicate struct {
	ident, operator string
	literal         any
	other           string
}

// mirrored has the operators that compare with exchanged sides.
var mirrored = map[string]string{
	operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals,
}

// inverted has the negations of operators.
var inverted = map[string]string{
	operators.Equals: operators.NotEquals, operators.NotEquals: operators.Equals,
	operators.Less: operators.GreaterEquals, operators.GreaterEquals: operators.Less,
	operators.Greater: operators.LessEquals, operators.LessEquals: operators.Greater,
}

// predicate returns nil for a call that the server leaves out.
func (r *predicateReader) predicate(call ast.CallExpr, negated bool) *predicate {
	args := call.Args()
	if len(args) != 2 {
		return nil
	}
	p := &predicate{operator: call.FunctionName()}
	if other, ok := inverted[p.operator]; ok && negated {
		p.operator = other
	}
	for _, arg := range args {
		if !r.operand(p, arg) {
			return nil
		}
	}
	p.resolve(r.vars)
	if p.other == "" && !p.normalize(args[0].Kind() == ast.LiteralKind) {
		return nil
	}
	return p
}

// operand adds an operand, and reports whether the server can read it.
func (r *predicateReader) operand(p *predicate, e ast.Expr) bool {
	ident := ""
	switch e.Kind() {
	case ast.CallKind:
		if ident = r.element(e); ident == "" {
			return false
		}
	case ast.IdentKind:
		ident = e.AsIdent()
	case ast.SelectKind:
		ident = r.selection(e)
	case ast.LiteralKind:
		p.literal = e.AsLiteral().Value()
		if e.AsLiteral() == types.NullValue {
			p.literal = nil
		}
	case ast.MapKind:
		p.literal = e.AsMap()
	default: // a list or a macro counts as null
	}
	if p.ident == "" {
		p.ident = ident
	} else {
		p.other = ident
	}
	return true
}

// selection returns the text of nested selections.
func (r *predicateReader) selection(e ast.Expr) string {
	text := ""
	for ; e.Kind() == ast.SelectKind; e = e.AsSelect().Operand() {
		text = strings.TrimSuffix(e.AsSelect().FieldName()+"."+text, ".")
	}
	switch e.Kind() {
	case ast.CallKind:
		return strings.TrimPrefix("."+r.element(e)+"."+text, ".")
	case ast.IdentKind:
		return e.AsIdent() + "." + text
	default:
		return text
	}
}

// element returns the text of x[literal], "" for other calls.
func (r *predicateReader) element(e ast.Expr) string {
	call := e.AsCall()
	if call.FunctionName() != operators.Index {
		return ""
	}
	args := call.Args()
	if args[1].Kind() != ast.LiteralKind {
		if r.version == version.Oldest {
			r.err = errors.New("the server panics: an index in brackets beside a path that the event lacks")
		}
		return ""
	}
	return fmt.Sprintf("%s[%v]", r.selection(args[0]), args[1].AsLiteral().Value())
}

// resolve replaces one lifted literal.
func (p *predicate) resolve(vars map[string]any) {
	leftLifted, rightLifted := strings.HasPrefix(p.ident, liftedRoot), strings.HasPrefix(p.other, liftedRoot)
	if p.other == "" || leftLifted && rightLifted {
		return
	}
	if value, ok := vars[strings.TrimPrefix(p.ident, liftedRoot+".")]; ok && leftLifted {
		p.literal, p.ident, p.other = value, p.other, ""
	} else if value, ok := vars[strings.TrimPrefix(p.other, liftedRoot+".")]; ok && rightLifted {
		p.literal, p.other = value, ""
	}
}

// normalize mirrors the operator if the literal is first and was not lifted, and reports
// whether the server keeps the predicate.
func (p *predicate) normalize(literalFirst bool) bool {
	switch p.operator {
	case operators.Equals, operators.NotEquals:
		return true
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		if literalFirst {
			p.operator = mirrored[p.operator]
		}
	case operators.In:
	default:
		return false
	}
	switch p.literal.(type) {
	case int64, float64, string:
		return true
	default:
		return false
	}
}

// text returns the predicate with null instead of the event's path.
func (p *predicate) text() string {
	left, right := p.ident, p.other
	isEvent := strings.HasPrefix(p.ident, eventPrefix)
	switch {
	case p.other == "" && isEvent:
		left, right = null, literalText(p.literal)
	case p.other == "":
		right = literalText(p.literal)
	case isEvent:
		left, right = p.other, null
	}
	return left + " " + strings.ReplaceAll(p.operator, "_", "") + " " + right
}

func literalText(value any) string {
	switch v := value.(type) {
	case nil:
		return null
	case string:
		return strconv.Quote(v)
	case ast.MapExpr:
		return "&{}" // the server prints a pointer, which does not compile either
	default:
		return fmt.Sprint(v)
	}
}
