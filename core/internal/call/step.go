package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/pkg/interval"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// maxOutputBytes is the size of a step's result, as JSON, above which the server
// fails the run: MaxStepOutputSize in its pkg/consts, less what it wraps it in.
const maxOutputBytes = 4<<20 - len(`{"data":}`)

// Run runs fn as a step with a callback.
func Run[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (T, error) {
	c := From(ctx)
	if c == nil {
		return outside(ctx, name, func() (T, error) { return runOutside(ctx, name, fn) })
	}
	return step[T](ctx, c, StepRun, name, func(id ID, ran *bool) (json.RawMessage, error) {
		start := time.Now()
		raw, err := sdkstep.Run(ctx, name, func(ctx context.Context) (json.RawMessage, error) {
			switch unwindable, inPanic := surroundings(); {
			case inPanic:
				panic(errPanicsOn)
			case !unwindable:
				Yield() // before anything is done whose result would be lost
			}
			*ran = true
			return c.callback(ctx, id, kept(name, fn))
		})
		if *ran && err != nil {
			// Among parallel steps the SDK goes on with an error that is not final:
			// the server will try the step again.
			Yield()
		}
		if *ran && c.Checkpoints != nil {
			c.checkpoint(id, raw, interval.New(start, time.Now()))
		}
		return raw, err
	})
}

// Wait runs a step without a callback: one that the server does. The value is
// decoded from what body returns, which is JSON.
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
	return step[T](ctx, c, kind, name, func(id ID, _ *bool) (json.RawMessage, error) {
		checkType[T](c, name)
		return body(id)
	})
}

// checkpoint keeps the result of a step, and ends the call if the server has to answer
// before there are more: if it has not taken results, or if the call is not the first
// try. The server counts the tries of a call, and what comes after this step is to
// have tries of its own.
func (c *Call) checkpoint(id ID, data json.RawMessage, timing interval.Interval) {
	if c.Attempt > 0 || !c.Checkpoints.add(id, data, timing) {
		c.over.Store(true)
		Yield()
	}
}

// decode decodes the result of a step.
func decode[T any](raw json.RawMessage) (value T, err error) {
	if len(raw) > 0 {
		err = json.Unmarshal(raw, &value)
	}
	return value, err
}

// step runs one step of the SDK, body, behind the guards every step shares. Body
// sets ran if the callback runs; else, the result was kept from an earlier call. The
// SDK leaves a step by a panic when the server has to take over.
func step[T any](
	ctx context.Context, c *Call, kind Kind, name string,
	body func(id ID, ran *bool) (raw json.RawMessage, err error),
) (value T, err error) {
	b, returned, ran := c.branch(ctx), false, false
	c.inside.Add(1)
	defer func() {
		defer c.inside.Add(-1)
		if returned {
			return
		}
		switch r := recover(); {
		case r == nil: // runtime.Goexit, as of a test that ends; it goes on
			c.unwind(b)
			if ran {
				c.record(fmt.Errorf("step %q did not come to its end: its goroutine has ended (runtime.Goexit)", name))
			}
		case r == any(errPanicsOn):
			err = errPanicsOn // for nobody: the panic goes on when the deferred step returns
		case unwinds(r):
			c.unwind(b)
			if ran { // what has run was in its place
				panic(r)
			}
			if err = c.elsewhere("step "+strconv.Quote(name), r); err == nil {
				panic(r)
			}
		default:
			panic(newPanic("step "+strconv.Quote(name), r)) // nothing has unwound the function but a mistake
		}
	}()
	id := c.enter(ctx, b, name)
	id.Kind = kind
	raw, err := body(id, &ran)
	if !ran {
		c.Replay.handedOut()
	}
	if err != nil {
		value, err = beside[T](ctx, c, id, raw, err)
		returned = true
		return value, err
	}
	raw = c.restored(ctx, id, raw)
	if kind == WaitForEvent && c.Hide != nil {
		raw = c.Hide(reflect.TypeFor[T](), raw)
	}
	value, decodeErr := decode[T](raw)
	if decodeErr != nil {
		c.Abort(MisfitStep(name, value, decodeErr))
	}
	returned = true
	return value, nil
}

// restored is the kept result of a step as the middleware gives it.
func (c *Call) restored(ctx context.Context, id ID, raw json.RawMessage) json.RawMessage {
	if c.Restore == nil || len(raw) == 0 {
		return raw
	}
	raw, err := c.Restore(ctx, id, raw)
	if err != nil {
		c.Abort(notRestored(id, err))
	}
	return raw
}

func notRestored(id ID, err error) error {
	return fmt.Errorf("the kept result of step %q could not be restored: %w", id.Name, err)
}

// callback runs the callback of a step and encodes its result.
func (c *Call) callback(ctx context.Context, id ID, run func(context.Context) (any, error)) (json.RawMessage, error) {
	c.Replay.SetFresh()
	c.inCallback.Store(true)
	defer c.inCallback.Store(false)
	end := c.Step(ctx, id, run)
	if c.Replay.targeted {
		c.over.Store(true)
	}
	if err := c.Aborted(); err != nil {
		end.Tell(err)
		Yield() // whatever the callback made of that
	}
	raw, err := c.keep(ctx, id, end)
	if err != nil {
		log := c.Logger
		if stack := safe.Stack(err); stack != "" {
			log = log.With("stack", stack)
		}
		log.WarnContext(end.Inner, "inngest: step failed",
			"function", c.FunctionID, "run_id", c.RunID, "attempt", c.Attempt, "step", id.Name, "error", err)
	}
	if err != nil && c.Checkpoints != nil {
		c.Checkpoints.Flush() // how the step ends depends on that
	}
	end.Tell(err)
	if err != nil {
		raw, err = fitting(ownError(err), raw)
	}
	if err != nil && c.MayHold() {
		c.PutOff = &PutOff{Step: &id, Err: err, Data: raw}
		c.over.Store(true)
		Yield()
	}
	c.ran.Add(1)
	return raw, err
}

// keep encodes the result of a step, and refuses one that the server would not keep.
func (c *Call) keep(ctx context.Context, id ID, end StepEnd) (json.RawMessage, error) {
	raw, err := jsontype.Marshal(end.Output)
	switch {
	case err != nil:
		raw, err = nil, sdkerrors.NoRetryError(fmt.Errorf(
			"the result of step %q cannot be kept, because it is not JSON: %w", id.Name, err))
	case len(raw) > maxOutputBytes:
		err = sdkerrors.NoRetryError(fmt.Errorf(
			"the result of step %q has %d bytes as JSON, and at most %d are kept; "+
				"keep large data elsewhere and return a reference",
			id.Name, len(raw), maxOutputBytes))
		raw = nil
	default:
		if err = c.CheckIntegers(ctx, "the result of step", id.Name, raw); err != nil {
			raw = nil
		}
	}
	if end.Err != nil && isZero(end.Output) {
		return nil, end.Err
	}
	if end.Err != nil {
		return raw, end.Err
	}
	return raw, err
}

// CheckIntegers returns an error that is not retried if raw, which is what of name, has
// an integer that the server would round, and the app refuses those.
func (c *Call) CheckIntegers(ctx context.Context, what, name string, raw []byte) error {
	err := c.Integers.Check(ctx, datacheck.Place{What: what, Name: name, Function: c.FunctionID}, raw)
	if err != nil {
		return sdkerrors.NoRetryError(err)
	}
	return nil
}

// ownError is err without the error of another step in its chain: the SDK takes
// such an error for one that the function did not handle, and fails the call.
func ownError(err error) error {
	if !sdkerrors.IsStepError(err) {
		return err
	}
	own := errors.New(err.Error())
	switch at := sdkerrors.GetRetryAtTime(err); {
	case sdkerrors.IsNoRetryError(err):
		return sdkerrors.NoRetryError(own)
	case at != nil:
		return sdkerrors.RetryAtError(own, *at)
	default:
		return own
	}
}

// outside runs a step where there is no call of ours: in a unit test, or in a
// function that the bare SDK serves.
func outside[T any](ctx context.Context, name string, body func() (T, error)) (value T, err error) {
	refuseForeign(fmt.Sprintf("step %q", name))
	if name == "" {
		return value, errNoID
	}
	if ctx.Err() != nil {
		return value, fmt.Errorf("step %q was not started, its context is done: %w", name, ctxerr.Cause(ctx))
	}
	defer func() {
		if r := recover(); r != nil {
			if r != any(sdkstep.ErrNotInFunction) {
				panic(r)
			}
			err = &outsideError{name}
		}
	}()
	return body()
}

// outsideError is the error of a step that needs a function to run in.
type outsideError struct{ step string }

// Error says what to do instead.
func (e *outsideError) Error() string {
	return fmt.Sprintf("step %q was called outside a function: call it in a function that an app serves, with the function's "+
		"ctx; in a unit test only step.Run and step.Parallel work, and package inngesttest runs the others on a server", e.step)
}

// Unwrap is the SDK's error.
func (e *outsideError) Unwrap() error { return sdkstep.ErrNotInFunction }
