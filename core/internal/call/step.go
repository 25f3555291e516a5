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

	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
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
	id     ID           // its index is set by enter
	output reflect.Type // of its result
	state  stepState
	fresh  json.RawMessage // its result, if its callback has run
}

// begin prepares a step that ctx belongs to, with a result of type T. The caller defers leave
// and then calls enter.
func begin[T any](ctx context.Context, c *Call, kind Kind, name string) *step {
	c.steps.underWay.Add(1)
	return &step{call: c, branch: c.branch(ctx), id: ID{Name: name, Kind: kind}, output: reflect.TypeFor[T]()}
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
// A step that does not return unwinds its function or its branch by a panic. The value is the
// SDK's if the step hands over to the server, ends the call or must not run. Otherwise user
// code panicked.
func Run[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (value T, err error) {
	c := From(ctx)
	if c == nil {
		return outside(ctx, name, func() (T, error) { return runOutside(ctx, name, fn) })
	}
	s := begin[T](ctx, c, StepRun, name)
	defer s.leave(&err)
	s.enter(ctx)
	if kept := c.kept(s.id); kept != nil {
		raw, err := c.Kept(s.id, kept)
		return result[T](ctx, s, raw, err)
	}
	start := time.Now()
	raw, err := sdkstep.Run(c.toSDK(ctx, s.id), name, func(ctx context.Context) (json.RawMessage, error) {
		return s.forSDK(ctx, memoizable(c.Codec, name, fn))
	})
	if s.state == stepRan {
		raw = s.fresh
		s.finish(raw, err, start)
	}
	return result[T](ctx, s, raw, err)
}

// A Waiting is a step without a callback: one that the server does.
type Waiting struct {
	Kind Kind
	Name string
	// Begin hands the new step over to the SDK. It returns only outside a function, or if the
	// SDK has a memoized result.
	Begin func(ctx context.Context, id ID) (json.RawMessage, error)
	// Kept returns the value of the step, as JSON, or its error, from the memoized result.
	Kept func(c *Call, id ID, r *envelope.Result) (json.RawMessage, error)
}

// Wait runs a step without a callback.
func Wait[T any](ctx context.Context, w Waiting) (value T, err error) {
	c := From(ctx)
	if c == nil {
		raw, err := waitOutside(ctx, ID{Name: w.Name, Kind: w.Kind}, reflect.TypeFor[T](), w.Begin)
		if err != nil {
			return value, err
		}
		return codec.Decode[T](codec.Codec{}, raw)
	}
	s := begin[T](ctx, c, w.Kind, w.Name)
	defer s.leave(&err)
	s.enter(ctx)
	checkType[T](c, w.Name)
	var raw json.RawMessage
	if kept := c.kept(s.id); kept != nil {
		raw, err = w.Kept(c, s.id, kept)
	} else {
		raw, err = w.Begin(c.toSDK(ctx, s.id), s.id)
	}
	return result[T](ctx, s, raw, err)
}

// enter names the step, or refuses it if it cannot work: the SDK would report a step with
// a done context as a completed run, and does not notice a step within a step.
func (s *step) enter(ctx context.Context) {
	c := s.call
	if c.progress.released.Load() {
		panic(&misplaced{sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was given the context of a call that has ended: call steps before the function returns, on its own "+
				"goroutine and with its ctx; step.Parallel runs several at the same time", s.id.Name))})
	}
	if c.Aborted() != nil || c.sdkDone() || c.hasLeft(s.branch) || c.progress.now() == over {
		// The call, or the branch, is over. This is a deferred function, a function that has
		// recovered, or another branch. The step's result would be lost or premature, and an
		// error here would lose the results of steps that have run.
		panic(yield)
	}
	if sdkstep.IsWithinStep(ctx) || (c.progress.inCallback.Load() && canUnwind()) {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was called inside the callback of another step: call it in the function itself", s.id.Name)))
	}
	if ctx.Err() != nil && canUnwind() {
		c.Abort(fmt.Errorf("step %q was not started, its context is done: %w", s.id.Name, ctxerr.Cause(ctx)))
	}
	if ctx.Err() != nil || c.progress.inCallback.Load() {
		panic(yield) // leave turns it into an error, because the goroutine cannot be unwound
	}
	if s.id.Name == "" {
		c.Abort(errNoID)
	}
	if err := c.count(s.branch, &s.id); err != nil {
		c.Abort(err)
	}
	if enter := c.test.EnterStep; enter != nil {
		seen := s.id.forTest(s.output)
		seen.Memoized = c.Replay.Result(s.id) != nil
		enter(ctx, seen)
	}
}

// leave is deferred around a step. Unless the step returned, it records that the step has
// unwound its branch.
func (s *step) leave(err *error) {
	c := s.call
	defer c.steps.underWay.Add(-1)
	if s.state == stepReturned {
		return
	}
	switch r := recover(); {
	case r == nil: // runtime.Goexit, for example in FailNow of a test; it continues
		c.unwind(s.branch)
		if s.state == stepRan {
			c.setAborted(fmt.Errorf("step %q did not finish: its goroutine has ended (runtime.Goexit)", s.id.Name))
		}
	case r == any(errPanicsOn):
		*err = errPanicsOn // never read: the panic continues when the deferred step returns
	case unwinds(r):
		c.unwind(s.branch)
		if s.state == stepRan { // its callback ran where it can unwind
			panic(r)
		}
		if *err = c.elsewhere("step "+strconv.Quote(s.id.Name), r); *err == nil {
			panic(r)
		}
	default:
		panic(newPanic("step "+strconv.Quote(s.id.Name), r)) // a panic of user code, not of a step
	}
}

// forSDK runs the callback of the step, and returns what the SDK gets.
func (s *step) forSDK(ctx context.Context, run Callback) (json.RawMessage, error) {
	raw, err := s.callback(ctx, run)
	s.fresh = raw
	if err != nil {
		return raw, err
	}
	return s.call.standIn(raw), nil
}

// callback runs the callback of the step and encodes its result.
func (s *step) callback(ctx context.Context, run Callback) (json.RawMessage, error) {
	switch unwindable, inPanic := surroundings(); {
	case inPanic:
		panic(errPanicsOn)
	case !unwindable:
		Yield() // before the callback does anything, because its result would be lost
	}
	s.state = stepRan
	c := s.call
	c.Replay.BeginFresh()
	c.progress.inCallback.Store(true)
	defer c.progress.inCallback.Store(false)
	if test := c.test.RunStep; test != nil {
		callback := run
		run = func(ctx context.Context) (any, error) { return test(ctx, s.id.forTest(s.output), callback) }
	}
	end := c.Hooks.RunStep(ctx, s.id, run)
	if c.Replay.targeted {
		c.progress.advance(over)
	}
	if err := c.Aborted(); err != nil {
		end.Report(err)
		Yield() // even if the callback has recovered
	}
	raw, err := c.encode(ctx, s.id, end)
	if err != nil {
		c.logStepFailed(end.Inner, s.id.Name, err)
		if c.Checkpoints != nil {
			c.Checkpoints.Flush() // whether the error must be deferred depends on it
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

// finish is called after the callback of the step, which began at start. It ends the call if
// the step has failed, if the server has not accepted the checkpoint, or if a call with
// checkpoints is not the first attempt: the server counts attempts per call, and what follows
// this step must have all its attempts.
func (s *step) finish(data json.RawMessage, err error, start time.Time) {
	c := s.call
	if err != nil {
		// In a parallel step, the SDK would continue with an error that is not final, although
		// the server will retry the step.
		Yield()
	}
	if c.Checkpoints == nil {
		return
	}
	if c.Attempt > 0 || !c.Checkpoints.add(s.id, data, interval.New(start, time.Now())) {
		c.progress.advance(over)
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
			c.Abort(notRestored(s.id.Name, err))
		}
	}
	if s.id.Kind == WaitForEvent {
		raw = c.Hooks.HideFields(reflect.TypeFor[T](), raw)
	}
	value, err = codec.Decode[T](c.Codec, raw)
	if err != nil {
		c.Abort(MisfitStep(s.id.Name, value, err))
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
