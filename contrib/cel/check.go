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
// [errors.As] finds each as an *inngestkit.RegistrationError. Call it when all functions
// are registered, in a test or before the app starts. It takes some milliseconds.
//
// It compiles each expression with the variables and functions that servers v1.12.1 and
// v1.43.0 know, refuses what they do not take in flow.CancelOn, looks up the paths within
// macros, and the type of the result where it is certain. Conditions of step.WaitForEvent
// are not among the app's expressions.
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

// problems tells what is wrong with an expression.
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

// wrongResult tells why an expression of that type does nothing for the option.
func wrongResult(field string, result *cel.Type) string {
	switch {
	case slices.Contains([]cel.Kind{cel.DynKind, cel.AnyKind}, result.Kind()):
		return ""
	case field == "Priority" && result.Kind() != cel.IntKind:
		return fmt.Sprintf("is %s, and has to be an integer: the server ignores others", result)
	case (field == "If" || strings.HasSuffix(field, ".If")) && result.Kind() != cel.BoolKind:
		return fmt.Sprintf("is %s, and has to be true or false", result)
	default:
		return ""
	}
}
