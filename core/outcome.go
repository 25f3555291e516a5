package inngestkit

import (
	"errors"

	sdkerrors "github.com/inngest/inngestgo/errors"
)

// Outcome is how a call of a function, or the callback of a step, ended.
type Outcome string

// The outcomes. Of the calls of a run, the last one is Completed, Failed or
// NonRetriable.
const (
	// Completed is the end without an error.
	Completed Outcome = "completed"
	// Yielded is the end of a call in which a step has handed over to the server.
	// Whether the step itself went well is the step's outcome.
	Yielded Outcome = "yielded"
	// Retried is an error after which the server tries again.
	Retried Outcome = "retried"
	// Failed is the error of the last attempt.
	Failed Outcome = "failed"
	// NonRetriable is an error that is not tried again whatever attempts are left:
	// a [NoRetryError], or in a function the error of a step that has failed.
	NonRetriable Outcome = "non_retriable"
)

// Outcome is what err, as next has returned it to the middleware around the
// function, means for the run.
func (c *FunctionCall) Outcome(err error) Outcome {
	if sdkerrors.IsStepError(err) {
		return NonRetriable
	}
	return c.outcome(err)
}

// Outcome is what err, as next has returned it to the middleware around the step,
// means for the step. When a step has failed, the function goes on with its error.
func (s *StepCall) Outcome(err error) Outcome { return s.Function.outcome(err) }

func (c *FunctionCall) outcome(err error) Outcome {
	switch {
	case err == nil:
		return Completed
	case errors.Is(err, ErrYielded):
		return Yielded
	case sdkerrors.IsNoRetryError(err):
		return NonRetriable
	case c.LastAttempt():
		return Failed
	default:
		return Retried
	}
}
