package inngestkit

import (
	"errors"
	"net/http"
	"slices"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Outcome is how a call of a function, or the callback of a step, ended.
type Outcome string

// The outcomes. Of the calls of a run, the last one is OutcomeCompleted, OutcomeFailed or
// OutcomeNonRetriable, unless the run is cancelled.
const (
	// OutcomeCompleted is the end without an error.
	OutcomeCompleted Outcome = "completed"
	// OutcomeYielded is the end of a call in which a step has handed over to the server.
	// Whether the step itself went well is the step's outcome.
	OutcomeYielded Outcome = "yielded"
	// OutcomeRetried is an error after which the server tries again.
	OutcomeRetried Outcome = "retried"
	// OutcomeFailed is the error of the last attempt.
	OutcomeFailed Outcome = "failed"
	// OutcomeNonRetriable is an error that is not tried again whatever attempts are left:
	// a [NoRetry], or in a function the error of a step that has failed.
	OutcomeNonRetriable Outcome = "non_retriable"
)

var errNoEnd = errors.New("it did not come to an end: its goroutine has ended (runtime.Goexit)")

// OnEnd has ended be called when the answer to the server is known, after all
// middleware: only then is it certain how the call has ended. What the function
// returned may be no JSON, or an error may have to wait for results of steps to be
// sent. The error is nil for Completed and Yielded. What is given last is called
// first.
func (c *FunctionCall) OnEnd(ended func(outcome Outcome, err error)) {
	c.onEnd = append(c.onEnd, ended)
}

// OnEnd is [FunctionCall.OnEnd] for a step: ended is called when it is known whether
// the result can be kept.
func (s *StepCall) OnEnd(ended func(outcome Outcome, err error)) { s.onEnd = append(s.onEnd, ended) }

// end tells the middleware how the step has ended.
func (s *StepCall) end(err error) {
	outcome := s.Function.outcome(err)
	if err != nil && outcome != OutcomeYielded && s.Function.call.Unsent() {
		outcome = OutcomeRetried // the results before it are sent first, and then it runs again
	}
	s.Function.tell(s.onEnd, outcome, err)
}

// unwound is what has ended a step that did not return.
func (s *StepCall) unwound() error {
	switch aborted := s.Function.call.Aborted(); {
	case aborted != nil:
		return aborted
	case s.yielded:
		return ErrYielded
	default:
		return errNoEnd
	}
}

// outcome is what err, of a step or of the function without regard to its steps,
// means.
func (c *FunctionCall) outcome(err error) Outcome {
	switch {
	case err == nil:
		return OutcomeCompleted
	case errors.Is(err, ErrYielded):
		return OutcomeYielded
	case sdkerrors.IsNoRetryError(err):
		return OutcomeNonRetriable
	case c.LastAttempt():
		return OutcomeFailed
	default:
		return OutcomeRetried
	}
}

// ended tells the middleware how the call has ended, by the answer to the server. It
// is nil if there is none.
func ended(c *call.Call, resp *adapter.Response) {
	fc, ok := c.Function.(*FunctionCall)
	if !ok {
		return // the function was not reached
	}
	switch {
	case resp == nil:
		fc.tell(fc.onEnd, OutcomeRetried, errNoEnd)
	case resp.Status == http.StatusPartialContent:
		fc.tell(fc.onEnd, OutcomeYielded, nil)
	case resp.Status < http.StatusMultipleChoices:
		fc.tell(fc.onEnd, OutcomeCompleted, nil)
	default:
		err := fc.err
		if err == nil || errors.Is(err, ErrYielded) {
			err = errors.New(answerMessage(resp.Body, resp.Status))
		}
		outcome := fc.outcome(err)
		if resp.Header.Get(headerNoRetry) == isTrue {
			outcome = OutcomeNonRetriable
		}
		fc.tell(fc.onEnd, outcome, err)
	}
}

// tell calls the hooks. They are to look on: a panic in one is logged.
func (c *FunctionCall) tell(hooks []func(Outcome, error), outcome Outcome, err error) {
	if outcome == OutcomeYielded {
		err = nil
	}
	for _, hook := range slices.Backward(hooks) {
		func() {
			defer func() {
				if r := recover(); r != nil {
					_ = c.recovered(c.call.Inner, "a function given to OnEnd", r)
				}
			}()
			hook(outcome, err)
		}()
	}
}
