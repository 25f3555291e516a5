package inngestkit

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// PanicError is what a panic in a function, a step or their middleware becomes.
// The server retries it like any other error; find it with [errors.As].
type PanicError struct {
	// Where is what panicked: `function welcome` or `step "send-email"`.
	Where string
	// Value is what it panicked with.
	Value any
	// Stack is the stack of the goroutine at that time, as debug.Stack has it. It
	// is logged, and not sent to the server.
	Stack []byte

	opaque bool // Value is an error whose methods panic
}

// Error says what panicked and with which value, without the stack.
func (e *PanicError) Error() string { return e.Where + " panicked: " + safe.Sprint(e.Value) }

// Unwrap is Value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, ok := e.Value.(error)
	if !ok || e.opaque {
		return nil
	}
	return err
}

// The guards are found on the stack: a step can unwind only what runs inside one. So
// that there is one of each to look for, they are not inlined.
var _ = call.RegisterGuards(guardFunction(nil), guardStep(nil))

// guardFunction makes an error of whatever unwinds a handler, so that the code
// after next runs in the middleware around it: of a panic, and of the SDK's way to
// leave a function when a step hands over to the server.
//
//go:noinline
func guardFunction(handler FunctionHandler) FunctionHandler {
	return func(ctx context.Context, fc *FunctionCall) (output any, err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case call.IsYield(r), fc.call.Refused(r):
				fc.call.SetUnwound()
			default:
				output, err = nil, fc.recovered(ctx, "function "+fc.FunctionID, r)
			}
			// Also if the user's code has swallowed the unwinding with a recover.
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

// guardStep does the same for the callback of a step, where only a step within it
// unwinds.
//
//go:noinline
func guardStep(handler StepHandler) StepHandler {
	return func(ctx context.Context, step *StepCall) (output any, err error) {
		defer func() {
			switch r := recover(); {
			case r == nil:
			case call.IsYield(r), step.Function.call.Refused(r):
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

// newPanicError makes an error of a panic that was just recovered.
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

// recovered makes an error of a panic and logs the stack.
func (c *FunctionCall) recovered(ctx context.Context, where string, value any) error {
	err := newPanicError(where, value)
	c.call.Logger.ErrorContext(ctx, "inngest: "+err.Where+" panicked", "function", c.FunctionID, "run_id", c.RunID,
		"attempt", c.Attempt, "panic", safe.Sprint(err.Value), "stack", string(err.Stack))
	return err
}
