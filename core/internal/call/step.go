package call

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/pkg/interval"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// stepState is a state of a step, as [Run] draws them.
type stepState int

const (
	stepEntered stepState = iota
	stepRan
	stepReturned
)

// step is one step of a call, between the function and the SDK.
type step struct {
	call   *Call
	branch *branch
	name   string
	id     ID // set by enter
	state  stepState
}

// begin prepares a step that ctx belongs to. The caller defers leave and then calls enter.
func begin(ctx context.Context, c *Call, name string) *step {
	c.steps.underWay.Add(1)
	return &step{call: c, branch: c.branch(ctx), name: name}
}

// Run runs fn as a step with a callback.
//
// The states of a step, of this kind and of those that [Wait] runs:
//
//	entered ──► ran ──► returned
//	   └───────────────────┘
//
//	entered    the step is being named and checked, or the SDK looks for its result
//	ran        its callback was called in this call; otherwise the result is memoized
//	returned   the function has its result or its error
//
// A step that does not return panics, and thereby unwinds its function or its branch: with
// the SDK's value when it hands over to the server, ends the call or must not run, and with
// the value of a panic.
func Run[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (value T, err error) {
	c := From(ctx)
	if c == nil {
		return outside(ctx, name, func() (T, error) { return runOutside(ctx, name, fn) })
	}
	s := begin(ctx, c, name)
	defer s.leave(&err)
	s.enter(ctx, StepRun)
	raw, err := s.run(ctx, memoizable(name, fn))
	return result[T](ctx, s, raw, err)
}

// Wait runs a step without a callback: one that the server does. It decodes the value from
// the JSON that body returns.
func Wait[T any](
	ctx context.Context, kind Kind, name string, body func(id ID) (json.RawMessage, error),
) (value T, err error) {
	c := From(ctx)
	if c == nil {
		raw, err := outside(ctx, name, func() (json.RawMessage, error) { return body(ID{Name: name, Kind: kind}) })
		if err != nil {
			return value, err
		}
		return decode[T](raw)
	}
	s := begin(ctx, c, name)
	defer s.leave(&err)
	s.enter(ctx, kind)
	checkType[T](c, name)
	raw, err := body(s.id)
	return result[T](ctx, s, raw, err)
}

// enter names the step, or refuses it if it cannot work: the SDK would report a step with
// a done context as a completed run, and does not notice a step within a step.
func (s *step) enter(ctx context.Context, kind Kind) {
	c := s.call
	if c.progress.ended.Load() {
		panic(&misplaced{sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was given the context of a call that has ended: call steps before the function returns, on its own "+
				"goroutine and with its ctx; step.Parallel runs several at the same time", s.name))})
	}
	if c.Aborted() != nil || c.sdkDone() || c.hasLeft(s.branch) || c.progress.now() == over {
		// The call, or the branch, is over. This is a deferred function, one that went on
		// after a recover, or another branch. What it does would be lost, or come too early,
		// and an error here would lose what has run.
		panic(yield)
	}
	if sdkstep.IsWithinStep(ctx) || (c.progress.inCallback.Load() && canUnwind()) {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was called inside the callback of another step: call it in the function itself", s.name)))
	}
	if ctx.Err() != nil && canUnwind() {
		c.Abort(fmt.Errorf("step %q was not started, its context is done: %w", s.name, ctxerr.Cause(ctx)))
	}
	if ctx.Err() != nil || c.progress.inCallback.Load() {
		panic(yield) // leave turns it into an error, because nothing can unwind
	}
	if s.name == "" {
		c.Abort(errNoID)
	}
	id, err := c.nextID(s.branch, kind, s.name)
	if err != nil {
		c.Abort(err)
	}
	s.id = id
}

// leave is deferred around a step. It notes that the step has unwound its branch, unless
// the step returned.
func (s *step) leave(err *error) {
	c := s.call
	defer c.steps.underWay.Add(-1)
	if s.state == stepReturned {
		return
	}
	switch r := recover(); {
	case r == nil: // runtime.Goexit, for example by a test that ends; it goes on
		c.unwind(s.branch)
		if s.state == stepRan {
			c.setAborted(fmt.Errorf("step %q did not come to its end: its goroutine has ended (runtime.Goexit)", s.name))
		}
	case r == any(errPanicsOn):
		*err = errPanicsOn // nobody reads it: the panic goes on when the deferred step returns
	case unwinds(r):
		c.unwind(s.branch)
		if s.state == stepRan { // its callback ran where it can unwind
			panic(r)
		}
		if *err = c.elsewhere("step "+strconv.Quote(s.name), r); *err == nil {
			panic(r)
		}
	default:
		panic(newPanic("step "+strconv.Quote(s.name), r)) // a bug has unwound the function, and no step
	}
}

// run has the SDK run callback, or return the memoized result.
func (s *step) run(ctx context.Context, callback Callback) (json.RawMessage, error) {
	start := time.Now()
	raw, err := sdkstep.Run(ctx, s.name, func(ctx context.Context) (json.RawMessage, error) {
		switch unwindable, inPanic := surroundings(); {
		case inPanic:
			panic(errPanicsOn)
		case !unwindable:
			Yield() // before anything is done whose result would be lost
		}
		s.state = stepRan
		return s.callback(ctx, callback)
	})
	if s.state != stepRan {
		return raw, err
	}
	if err != nil {
		// Among parallel steps the SDK goes on with an error that is not final: the server
		// will retry the step.
		Yield()
	}
	if s.call.Checkpoints != nil {
		s.checkpoint(raw, interval.New(start, time.Now()))
	}
	return raw, nil
}

// callback runs the callback of the step and encodes its result.
func (s *step) callback(ctx context.Context, run Callback) (json.RawMessage, error) {
	c := s.call
	c.Replay.BeginFresh()
	c.progress.inCallback.Store(true)
	defer c.progress.inCallback.Store(false)
	end := c.Hooks.RunStep(ctx, s.id, run)
	if c.Replay.targeted {
		c.progress.advance(over)
	}
	if err := c.Aborted(); err != nil {
		end.Report(err)
		Yield() // whatever the callback made of that
	}
	raw, err := c.encode(ctx, s.id, end)
	if err != nil {
		c.logStepFailed(end.Inner, s.name, err)
		if c.Checkpoints != nil {
			c.Checkpoints.Flush() // how the step ends depends on that
		}
	}
	end.Report(err)
	if err != nil {
		raw, err = fit(withoutStepError(err), raw)
		if c.HasRunSteps() {
			c.progress.deferred = &Deferred{Step: &s.id, Err: err, Data: raw}
			c.progress.advance(over)
			Yield()
		}
	}
	c.steps.ran.Add(1)
	return raw, err
}

// checkpoint records the result of the step, and ends the call if the server must have the
// response before there are more results: if it has not taken them, or if the call is not
// the first attempt. The server counts the attempts of a call, and what follows this step
// must have attempts of its own.
func (s *step) checkpoint(data json.RawMessage, timing interval.Interval) {
	if s.call.Attempt > 0 || !s.call.Checkpoints.add(s.id, data, timing) {
		s.call.progress.advance(over)
		Yield()
	}
}

// result returns to the function what the SDK returned for the step s.
func result[T any](ctx context.Context, s *step, raw json.RawMessage, err error) (value T, _ error) {
	c := s.call
	if s.state != stepRan {
		c.Replay.claimed()
	}
	if err != nil {
		value, err = failed[T](ctx, c, s.id, raw, err)
		s.state = stepReturned
		return value, err
	}
	if len(raw) > 0 {
		if raw, err = c.Hooks.RestoreResult(ctx, s.id, raw); err != nil {
			c.Abort(notRestored(s.name, err))
		}
	}
	if s.id.Kind == WaitForEvent {
		raw = c.Hooks.HideFields(reflect.TypeFor[T](), raw)
	}
	value, err = decode[T](raw)
	if err != nil {
		c.Abort(MisfitStep(s.name, value, err))
	}
	s.state = stepReturned
	return value, nil
}

func (c *Call) logStepFailed(ctx context.Context, name string, err error) {
	log := c.Logger
	if stack := safe.Stack(err); stack != "" {
		log = log.With("stack", stack)
	}
	log.WarnContext(ctx, "inngest: step failed",
		"function", c.FunctionID, "run_id", c.RunID, "attempt", c.Attempt, "step", name, "error", err)
}
