package expr

import (
	"regexp"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// maxNaiveWaits is up to how many waits for an event the server evaluates one by one
// (AggregatePauseThreshold in pkg/consts).
const maxNaiveWaits = 50

// UsesIndex reports whether the server finds those of n waits for an event that receive it with an
// index (github.com/inngest/expr), instead of evaluating each condition.
func UsesIndex(n int) bool { return n > maxNaiveWaits }

// plainPath is a path that the index finds in an event.
var plainPath = regexp.MustCompile(`^async(\.[A-Za-z_]\w*)+$`)

// SuitsIndex reports whether the server's index is known to find the events that meet a condition:
// one that compares fields of the event by == with texts, numbers or null, and joins the
// comparisons by &&. Both versions were measured with 60 waits: an event without n resumes no wait
// on async.data.n < 5, although it meets the condition, and an empty condition is met by all
// events. A condition that the index cannot read spoils all waits for the event.
func (e *Evaluator) SuitsIndex(condition string) bool {
	env, err := environment(e.version)
	if err != nil {
		return false
	}
	parsed, issues := env.Parse(condition)
	if issues.Err() != nil {
		return false
	}
	root := parsed.NativeRep().Expr()
	if root.Kind() == ast.LiteralKind {
		return root.AsLiteral().Type() == types.BoolType
	}
	return suitsIndex(root)
}

func suitsIndex(e ast.Expr) bool {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return false
	}
	left, right := e.AsCall().Args()[0], e.AsCall().Args()[1]
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		return suitsIndex(left) && suitsIndex(right)
	case operators.Equals:
		return isPlainPath(left) && isPlainLiteral(right) || isPlainLiteral(left) && isPlainPath(right)
	default:
		return false
	}
}

func isPlainPath(e ast.Expr) bool {
	return e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly() && plainPath.MatchString(strings.Join(selected(e), "."))
}

// isPlainLiteral reports whether lifting does not change a literal.
func isPlainLiteral(e ast.Expr) bool {
	if e.Kind() != ast.LiteralKind {
		return false
	}
	switch value := e.AsLiteral().(type) {
	case types.String:
		return value != "" && !strings.ContainsAny(string(value), "\\\"'`\n\r\t")
	case types.Int:
		return value >= 0
	case types.Double:
		return value >= 0
	default:
		return value == types.NullValue
	}
}
