// Package expr evaluates Inngest expressions as the Inngest server does, including what
// CEL alone would not do: paths that an event lacks, operands of mixed types, text that is
// not unescaped, and waits whose event is known before they match.
//
// Waits are evaluated one by one, as the server does with fewer than 50 waits for an event.
// With more it uses an index, whose verdicts differ for residues that are empty or do not
// compile.
//
// The facts come from pkg/expressions of the server and from github.com/inngest/expr.
package expr

import (
	"errors"
	"fmt"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Vars has the variables of an expression by name: "event" and "async". Values are those
// that encoding/json decodes into any.
type Vars map[string]map[string]any

// A Result is the outcome of an expression.
type Result struct {
	// Value is the value of the expression. It is false if Err is set, as on the server.
	Value any
	// OK reports whether Value is the boolean true.
	OK bool
	// Err says why the expression has no value: a *[CompileError] if it cannot be parsed.
	Err error
	// Why has a sentence for each operand that is missing and was compared nevertheless.
	Why []string
}

// A CompileError reports that an expression cannot be parsed or checked.
type CompileError struct{ reason error }

func (e *CompileError) Error() string { return "error compiling expression: " + e.reason.Error() }

func (e *CompileError) Unwrap() error { return e.reason }

// ErrNotBool is the reason of [Evaluator.Bool] for a value that is not a boolean.
var ErrNotBool = errors.New("the expression is not true or false")

// An Evaluator evaluates expressions. Its methods are safe for concurrent use.
type Evaluator struct {
	version version.Version
	now     func() time.Time
}

// New returns an evaluator for a version of the server. now is the clock of the functions
// now, now_plus and now_minus.
func New(v version.Version, now func() time.Time) *Evaluator {
	return &Evaluator{v, now}
}

// Value evaluates the expression of a key or a priority.
func (e *Evaluator) Value(text string, vars Vars) Result {
	p, err := compile(e.version, text)
	if err != nil {
		return Result{Value: false, Err: err}
	}
	run := &evaluation{now: e.now()}
	value, err := p.eval(vars, run)
	return Result{Value: value, OK: value == true, Err: err, Why: run.why}
}

// Bool evaluates the condition of a trigger, a wait, a cancellation or a batch. A value that
// is not a boolean is an error.
func (e *Evaluator) Bool(text string, vars Vars) Result {
	r := e.Value(text, vars)
	if _, isBool := r.Value.(bool); !isBool {
		r.Err = fmt.Errorf("%w: it is %v (%T)", ErrNotBool, r.Value, r.Value)
	}
	return r
}

// CheckWait returns the error that fails a run which waits with a condition, a
// *[CompileError], or nil.
func (e *Evaluator) CheckWait(text string) error {
	env, err := environment(e.version)
	if err != nil {
		return err
	}
	if _, issues := env.Compile(text); issues.Err() != nil {
		return &CompileError{issues.Err()}
	}
	return nil
}

// KeyText returns the text of a key: two values with the same text share a limit.
func KeyText(value any) string { return fmt.Sprint(value) }
