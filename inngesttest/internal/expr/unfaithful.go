package expr

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// An UnfaithfulError reports an expression whose value is random on the server, because it
// depends on the order of an object's keys.
type UnfaithfulError struct {
	Text   string // the expression
	Reason string
}

func (e *UnfaithfulError) Error() string {
	return fmt.Sprintf("the Inngest server gives %q a random value: %s. Compare the fields of the object instead",
		e.Text, e.Reason)
}

const (
	randomOrder = "it iterates over the keys of an object, whose order is random"
	randomText  = "it turns a list with an object into text, and the order of the object's keys is random"
	randomLift  = "it compares an object of the event, and has more than 26 literals then"
)

// watchRanges decorates what map and filter iterate over, and notes objects.
func watchRanges(root ast.Expr) interpreter.InterpretableDecorator {
	ranges := map[int64]bool{}
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind && e.AsComprehension().AccuInit().Kind() == ast.ListKind {
			ranges[e.AsComprehension().IterRange().ID()] = true
		}
	}))
	return func(i interpreter.Interpretable) (interpreter.Interpretable, error) {
		if ranges[i.ID()] {
			return watchedRange{i}, nil
		}
		return i, nil
	}
}

type watchedRange struct{ interpreter.Interpretable }

func (r watchedRange) Eval(act interpreter.Activation) ref.Val {
	v := r.Interpretable.Eval(act)
	if hasSeveralKeys(v) {
		evaluationOf(act).random = randomOrder
	}
	return v
}

func hasSeveralKeys(v ref.Val) bool {
	object, isObject := v.(traits.Mapper)
	return isObject && object.Size().(types.Int) > 1
}

// hasRandomText reports whether v is a list of the expression with an object. The text of
// the event's own lists and objects has sorted keys.
func hasRandomText(v ref.Val) bool {
	if v == nil {
		return false
	}
	elements, _ := v.Value().([]ref.Val)
	for _, element := range elements {
		if hasSeveralKeys(element) || hasRandomText(element) {
			return true
		}
	}
	return false
}

// isLiftedAtRandom reports whether it is random which literals of a residue are lifted.
func isLiftedAtRandom(v version.Version, residue *cel.Ast) bool {
	hasObject := false
	ast.PostOrderVisit(residue.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		hasObject = hasObject || e.Kind() == ast.MapKind && e.AsMap().Size() > 1
	}))
	_, vars, err := lift(v, residue.Source().Content())
	return hasObject && err == nil && len(vars) == len(letters)
}
