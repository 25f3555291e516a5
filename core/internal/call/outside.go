package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// outside runs a step without a call of ours: in a unit test, or in a function that the
// bare SDK serves.
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

// Error implements error.
func (e *outsideError) Error() string {
	return fmt.Sprintf("step %q was called outside a function: call it in a function that an app serves, with the function's "+
		"ctx; in a unit test only step.Run and step.Parallel work, and package inngesttest runs the others on a server", e.step)
}

// Unwrap returns the SDK's error.
func (e *outsideError) Unwrap() error { return sdkstep.ErrNotInFunction }

// Asks returns an error with which the body of a step ends outside a function if a test answers
// it, nil if no test does. options are those of the SDK's function.
func Asks(ctx context.Context, options any) error {
	if testhooks.From(ctx).Wait == nil {
		return nil
	}
	return &askError{options}
}

// askError hands the options of a step to the test that answers it.
type askError struct{ options any }

// Error implements error.
func (a *askError) Error() string {
	return "the step is outside a function, and the test does not answer it"
}

// waitOutside runs a step of the server, without a call of ours.
func waitOutside(
	ctx context.Context, id ID, output reflect.Type, begin func(context.Context, ID) (json.RawMessage, error),
) (json.RawMessage, error) {
	raw, err := outside(ctx, id.Name, func() (json.RawMessage, error) { return begin(ctx, id) })
	wait := testhooks.From(ctx).Wait
	if wait == nil {
		return raw, err
	}
	step := id.forTest(output)
	if ask, ok := errors.AsType[*askError](err); ok {
		step.Options, err = ask.options, nil
	}
	return wait(ctx, step, err)
}

// failedStep is the name of a step's final error, as the SDK sends it to the server.
const failedStep = "Step failed"

// runOutside runs fn as a step without a call of ours. In a unit test it returns what the
// function would get in the end: a value that has been JSON, and errors as a step's. A
// function that the bare SDK serves gets what the SDK makes of the step.
func runOutside[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (T, error) {
	return sdkstep.Run(ctx, name, func(ctx context.Context) (T, error) {
		if sdkstep.IsWithinStep(ctx) {
			return fn(ctx)
		}
		return runAlone(ctx, name, fn)
	})
}

// runAlone runs fn as if the server kept the result.
func runAlone[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (value T, err error) {
	id, run := ID{Name: name, Kind: StepRun}, memoizable(codec.Codec{}, name, fn)
	if test := testhooks.From(ctx).RunStep; test != nil {
		callback := run
		run = func(ctx context.Context) (any, error) { return test(ctx, id.forTest(reflect.TypeFor[T]()), callback) }
	}
	end := StepEnd{}
	end.Output, end.Err = recovered(ctx, name, run)
	raw, err := new(Call).encode(ctx, id, end)
	if err != nil {
		raw, err = fit(err, raw)
		return withValue[T](codec.Codec{}, name, raw, sdkerrors.StepError{Name: failedStep, Message: err.Error(), Data: raw})
	}
	if value, err = codec.Decode[T](codec.Codec{}, raw); err != nil {
		err = MisfitStep(name, value, err)
	}
	return value, err
}

// recovered runs the callback of a step. It turns a panic into an error and logs the stack,
// as in a call.
func recovered(ctx context.Context, name string, run Callback) (output any, err error) {
	defer func() {
		switch r := recover(); {
		case r == nil:
		case IsYield(r):
			panic(r)
		default:
			p := newPanic(fmt.Sprintf("step %q", name), r)
			output, err = nil, fmt.Errorf("%s panicked: %v", p.Where, p.Value)
			slog.ErrorContext(ctx, "inngest: "+err.Error(), "stack", string(p.Stack))
		}
	}()
	return run(ctx)
}
