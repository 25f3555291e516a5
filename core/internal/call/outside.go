package call

import (
	"context"
	"fmt"
	"log/slog"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"
)

// failedStep is the name of a step's final error, as the SDK gives it to the server.
const failedStep = "Step failed"

// runOutside runs fn as a step outside of a call of ours. In a unit test it returns
// what the function would see in the end: a value that has been JSON, and errors as a
// step's. A function that the bare SDK serves gets what the SDK makes of the step.
func runOutside[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (T, error) {
	return sdkstep.Run(ctx, name, func(ctx context.Context) (T, error) {
		if sdkstep.IsWithinStep(ctx) {
			return fn(ctx)
		}
		return alone(ctx, name, fn)
	})
}

// alone runs fn as if the server kept the result.
func alone[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (value T, err error) {
	end := StepEnd{}
	end.Output, end.Err = recovered(ctx, name, kept(name, fn))
	raw, err := (&Call{}).keep(ctx, ID{Name: name, Kind: StepRun}, end)
	if err != nil {
		raw, err = fitting(err, raw)
		failed := sdkerrors.StepError{Name: failedStep, Message: err.Error(), Data: raw}
		return beside[T](ctx, &Call{}, ID{Name: name}, raw, failed)
	}
	if value, err = decode[T](raw); err != nil {
		err = MisfitStep(name, value, err)
	}
	return value, err
}

// recovered runs the callback of a step and makes an error of a panic, whose stack is
// logged, as in a call.
func recovered(ctx context.Context, name string, run func(context.Context) (any, error)) (output any, err error) {
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
