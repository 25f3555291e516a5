package inngestkit

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// A PanicError is the error of a function, a step or their middleware that panicked. The
// server retries it like any other error. Find it with [errors.As].
type PanicError struct {
	// Where names what panicked: `function welcome` or `step "send-email"`.
	Where string
	// Value is the value of the panic.
	Value any
	// Stack is the stack of the panicking goroutine, in the format of debug.Stack. It
	// is logged, and not sent to the server.
	Stack []byte

	opaque bool // Value is an error whose methods panic
}

// Error returns what panicked and with which value, without the stack.
func (e *PanicError) Error() string { return e.Where + " panicked: " + safe.Sprint(e.Value) }

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, ok := e.Value.(error)
	if !ok || e.opaque {
		return nil
	}
	return err
}

// Package call looks for the guards on the stack, because a step can unwind only code that
// runs inside one. They are not inlined, so each has a single entry point to look for.
var _ = call.RegisterGuards(guardFunction(nil), guardStep(nil))

// guardFunction turns a panic of a handler into an error, so that the middleware around it
// runs its code after next. The SDK also panics to leave a function when a step hands over
// to the server.
//
//go:noinline
func guardFunction(handler FunctionHandler) FunctionHandler {
	return func(ctx context.Context, fc *FunctionCall) (output any, err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case call.IsYield(r), fc.call.AbortIfMisplaced(r):
				fc.call.SetYielding()
			default:
				output, err = nil, fc.recovered(ctx, "function "+fc.FunctionID, r)
			}
			// Checked even without a panic, because user code may have recovered it.
			switch aborted := fc.call.Aborted(); {
			case aborted != nil:
				output, err = nil, aborted
			case fc.call.Yielded():
				output, err = nil, ErrYielded
			}
			if err != nil {
				err = safe.Sound("function "+fc.FunctionID, err)
			}
		}()
		return handler(ctx, fc)
	}
}

// guardStep does the same for the callback of a step. There, the SDK panics only for a step
// within the step.
//
//go:noinline
func guardStep(handler StepHandler) StepHandler {
	return func(ctx context.Context, step *StepCall) (output any, err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case call.IsYield(r), step.Function.call.AbortIfMisplaced(r):
				step.yielded = true
				output, err = nil, ErrYielded
			default:
				output, err = nil, step.Function.recovered(ctx, fmt.Sprintf("step %q", step.ID), r)
			}
			if err != nil {
				err = safe.Sound(fmt.Sprintf("step %q", step.ID), err)
			}
		}()
		return handler(ctx, step)
	}
}

// newPanicError returns the error of a panic that was just recovered.
func newPanicError(where string, value any) *PanicError {
	err := &PanicError{Where: where, Value: value}
	if p, ok := value.(*call.Panic); ok {
		err.Where, err.Value, err.Stack = p.Where, p.Value, p.Stack
	} else {
		err.Stack = debug.Stack()
	}
	if cause, ok := err.Value.(error); ok {
		err.opaque = !safe.IsSound(cause)
	}
	return err
}

// recovered logs a panic with its stack and returns its error.
func (c *FunctionCall) recovered(ctx context.Context, where string, value any) error {
	err := newPanicError(where, value)
	c.call.Logger.ErrorContext(ctx, "inngest: "+err.Where+" panicked", "function", c.FunctionID, "run_id", c.RunID,
		"attempt", c.Attempt, "panic", safe.Sprint(err.Value), "stack", string(err.Stack))
	return err
}
