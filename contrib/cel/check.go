package inngestcel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Check returns all mistakes in the expressions of the app's functions, joined;
// [errors.As] finds each as an *inngestkit.RegistrationError. Call it after all
// functions are registered, in a test or before the app starts. It takes a few
// milliseconds.
//
// Check compiles each expression with the variables and functions that servers v1.12.1
// and v1.43.0 provide. It also reports what these servers refuse in flow.CancelOn,
// unknown paths inside macros, and a result of the wrong type where the type is
// certain. It does not check the conditions of step.WaitForEvent, which are known only
// during a run.
func Check(app *inngestkit.App) error {
	if app == nil {
		return errors.New("inngestcel: check: the app is nil")
	}
	env, err := newEnv()
	if err != nil {
		return fmt.Errorf("inngestcel: check: %w", err)
	}
	var errs []error
	for _, e := range app.Expressions() {
		for _, reason := range problems(env, e) {
			errs = append(errs, &inngestkit.RegistrationError{
				Function: e.FunctionID, Field: e.Field, Value: e.Text, Reason: reason,
			})
		}
	}
	return errors.Join(errs...)
}

// problems returns what is wrong with an expression.
func problems(env *cel.Env, e inngestkit.Expression) []string {
	if err := e.Check(); err != nil {
		return []string{err.Error()}
	}
	ast, issues := env.Compile(e.Text)
	if issues.Err() != nil {
		var all []string
		for _, issue := range issues.Errors() {
			all = append(all, fmt.Sprintf("does not compile, at column %d: %s", issue.Location.Column()+1, issue.Message))
		}
		return all
	}
	w := walker{expression: e}
	w.walk(ast.NativeRep().Expr())
	if reason := wrongResult(e.Field, ast.OutputType()); reason != "" {
		w.add(reason)
	}
	return w.problems
}

// wrongResult explains why an expression with this result type has no effect in the
// option, or returns "".
func wrongResult(field string, result *cel.Type) string {
	switch {
	case slices.Contains([]cel.Kind{cel.DynKind, cel.AnyKind}, result.Kind()):
		return ""
	case field == "Priority" && result.Kind() != cel.IntKind:
		return fmt.Sprintf("is of type %s; it must be an integer, because the server ignores other types", result)
	case (field == "If" || strings.HasSuffix(field, ".If")) && result.Kind() != cel.BoolKind:
		return fmt.Sprintf("is of type %s; it must be true or false", result)
	default:
		return ""
	}
}
