package inngestkit

import (
	"errors"
	"net/http"
	"slices"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// An Outcome is how a call of a function, or the callback of a step, ended.
type Outcome string

// The outcomes. Of the calls of a run, the last one is OutcomeCompleted, OutcomeFailed or
// OutcomeNonRetriable, unless the run is cancelled.
const (
	// OutcomeCompleted means that it ended without an error.
	OutcomeCompleted Outcome = "completed"
	// OutcomeYielded means that a step has handed over to the server. Whether the step itself
	// succeeded is the step's outcome.
	OutcomeYielded Outcome = "yielded"
	// OutcomeRetried means an error after which the server retries.
	OutcomeRetried Outcome = "retried"
	// OutcomeFailed means that the last attempt failed.
	OutcomeFailed Outcome = "failed"
	// OutcomeNonRetriable means an error that is not retried, regardless of remaining
	// attempts: a [NoRetry], or in a function the error of a step that has failed.
	OutcomeNonRetriable Outcome = "non_retriable"
)

var errNoEnd = errors.New("it did not return: its goroutine has ended (runtime.Goexit)")

// OnEnd registers a callback for when the response to the server is final, after all
// middleware. Only then is it certain how the call has ended: the output of the function
// might not be JSON, or an error might have to wait until results of steps are sent. The
// error is nil for [OutcomeCompleted] and [OutcomeYielded]. Callbacks run in reverse order.
func (c *FunctionCall) OnEnd(ended func(outcome Outcome, err error)) {
	c.onEnd = append(c.onEnd, ended)
}

// OnEnd registers a callback for when it is known whether the result of the step can be
// kept. It is otherwise like [FunctionCall.OnEnd].
func (s *StepCall) OnEnd(ended func(outcome Outcome, err error)) { s.onEnd = append(s.onEnd, ended) }

// end reports to the middleware how the step has ended.
func (s *StepCall) end(err error) {
	outcome := s.Function.outcome(err)
	if err != nil && outcome != OutcomeYielded && s.Function.call.HasUnsentResults() {
		outcome = OutcomeRetried // the results before it are sent first, and then it runs again
	}
	s.Function.notify(s.onEnd, outcome, err)
}

// unwound returns what has ended a step that did not return.
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

// outcome returns what err means, as the error of a step, or of the function regardless of
// its steps.
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

// reportEnd reports to the middleware how the call has ended, from the response to the
// server. The response is nil if the call has none.
func (c *FunctionCall) reportEnd(resp *adapter.Response) {
	switch {
	case resp == nil:
		c.notify(c.onEnd, OutcomeRetried, errNoEnd)
	case resp.Status == http.StatusPartialContent:
		c.notify(c.onEnd, OutcomeYielded, nil)
	case resp.Status < http.StatusMultipleChoices:
		c.notify(c.onEnd, OutcomeCompleted, nil)
	default:
		err := c.err
		if err == nil || errors.Is(err, ErrYielded) {
			err = errors.New(errorMessage(resp.Body, resp.Status))
		}
		outcome := c.outcome(err)
		if resp.Header.Get(headerNoRetry) == isTrue {
			outcome = OutcomeNonRetriable
		}
		c.notify(c.onEnd, outcome, err)
	}
}

// notify calls the hooks. They only observe, so a panic in one is logged.
func (c *FunctionCall) notify(hooks []func(Outcome, error), outcome Outcome, err error) {
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
