package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

// condition evaluates an expression that is true or false. run is nil if it concerns none.
func (e *Engine) condition(run *Run, text string, vars expr.Vars) expr.Result {
	result := e.expressions.Bool(text, vars)
	e.refuseRandom(run, result.Err)
	return result
}

// value evaluates an expression.
func (e *Engine) value(run *Run, text string, vars expr.Vars) expr.Result {
	result := e.expressions.Value(text, vars)
	e.refuseRandom(run, result.Err)
	return result
}

// interpolate puts the values of an event in a condition.
func (e *Engine) interpolate(run *Run, text string, ev *Event) (residue string, err error) {
	residue, err = e.expressions.Interpolate(text, ev.Decoded)
	if e.refuseRandom(run, err) {
		return text, nil
	}
	return residue, err
}

// refuseRandom reports an expression whose value is random on the server.
func (e *Engine) refuseRandom(run *Run, err error) bool {
	random, is := errors.AsType[*expr.UnfaithfulError](err)
	if is {
		e.fault(run, "%v", random)
	}
	return is
}

// verdict says for the timeline why an expression is not true.
func verdict(r expr.Result) string {
	if r.Err != nil {
		return "fails: " + r.Err.Error()
	}
	text := fmt.Sprintf("is %v", r.Value)
	if len(r.Why) > 0 {
		text += " because " + strings.Join(r.Why, ", and ")
	}
	return text
}
