package call

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"

	"github.com/inngest/inngest/pkg/enums"
	sdkstep "github.com/inngest/inngestgo/step"
)

// state is a state of a call, as [Call] draws them. A call only moves to higher ones.
type state int32

const (
	running state = iota
	yielding
	over
	returned
)

// progress is the state of a call, and what it has produced.
type progress struct {
	state atomic.Int32
	// released is set when the context of the function is released, however the call released.
	released atomic.Bool
	// inCallback is set while the callback of a step runs.
	inCallback atomic.Bool
	deferred   *Deferred
	output     any
}

func (p *progress) now() state { return state(p.state.Load()) }

// advance moves the call to the state to, unless it is there or beyond.
func (p *progress) advance(to state) {
	for from := p.state.Load(); from < int32(to); from = p.state.Load() {
		if p.state.CompareAndSwap(from, int32(to)) {
			return
		}
	}
}

// stepCounts counts the steps of a call.
type stepCounts struct {
	ran      atomic.Int32 // callbacks that have succeeded
	underWay atomic.Int32
}

// SetYielding records that a step has unwound the function. The SDK's own steps do so too,
// and without any operation for the server if their context is done.
func (c *Call) SetYielding() { c.progress.advance(yielding) }

// Yielded reports whether a step has handed over to the server. What the function returns
// then does not count.
func (c *Call) Yielded() bool {
	now := c.progress.now()
	return now == yielding || now == over || c.sdkDone()
}

// sdkDone reports whether the SDK has ended the call, as it does after a step.
func (c *Call) sdkDone() bool { return c.sdk != nil && c.sdk.Err() != nil }

// Return records that the function returned by itself, and its output.
func (c *Call) Return(output any) {
	c.progress.output = output
	c.progress.advance(returned)
}

// Returned reports whether the function returned by itself. Only then may a response
// without steps complete the run.
func (c *Call) Returned() bool { return c.progress.now() == returned }

// Output returns what the function has returned.
func (c *Call) Output() any { return c.progress.output }

// Abort ends the call with err: it unwinds to the function's wrapper, which returns err even
// if user code recovers on the way.
func (c *Call) Abort(err error) {
	c.setAborted(err)
	panic(yield)
}

// Aborted returns the error that the call was aborted with, nil if it was not.
func (c *Call) Aborted() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abortErr
}

// setAborted makes the call end with err once the function has ended. The first error
// counts.
func (c *Call) setAborted(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abortErr == nil {
		c.abortErr = err
	}
}

// Deferred is the error of a step, or of the function if Step is nil, that has to wait
// until the results before it have reached the server.
type Deferred struct {
	Step *ID
	Err  error
	// Data is what the step returned with the error.
	Data json.RawMessage
}

// DeferFunctionError defers the error that the function returned.
func (c *Call) DeferFunctionError(err error) { c.progress.deferred = &Deferred{Err: err} }

// Deferred returns the error that was deferred, nil if none was.
func (c *Call) Deferred() *Deferred { return c.progress.deferred }

// HasRunSteps reports whether the call has run steps. An error must then be deferred,
// because the SDK would respond with the error and drop their results.
func (c *Call) HasRunSteps() bool {
	return c.SeveralSteps && !c.Replay.targeted && (c.steps.ran.Load() > 0 || c.sdkHasRun())
}

// sdkHasRun reports whether a step of the SDK's own has run, so its result is in the response
// only.
func (c *Call) sdkHasRun() bool {
	return slices.ContainsFunc(c.SDKOperations(), func(op Operation) bool { return op.Op == enums.OpcodeStepRun })
}

// SDKOperations returns what became of the steps of the SDK's own in a function that also has
// others. It does not return those of an adopted function.
func (c *Call) SDKOperations() []Operation {
	m := c.toldManager()
	if m == nil || c.SDKReplays {
		return nil
	}
	return slices.DeleteFunc(m.operations(), func(op Operation) bool {
		return c.Checkpoints != nil && c.Checkpoints.Knows(op.Key)
	})
}

// HasUnsentResults reports whether the server may lack results of steps that have run.
func (c *Call) HasUnsentResults() bool {
	if c.Checkpoints != nil {
		return c.Checkpoints.Unsent()
	}
	return c.HasRunSteps()
}

// Unclaimed returns how many memoized results the function has not claimed on its way to a
// new step. It is 0 if the call is for a single step or ended early: then the function has
// not passed all of its steps.
func (c *Call) Unclaimed() int {
	if c.Replay.targeted || c.progress.now() == over || c.Aborted() != nil {
		return 0
	}
	return c.Replay.unclaimed()
}

// InStep reports whether the callback of a step runs that ctx belongs to.
func (c *Call) InStep(ctx context.Context) bool {
	return sdkstep.IsWithinStep(ctx) || c.progress.inCallback.Load()
}
