package call

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// A step leaves its function by a panic with one of these values:
//
//	yield         the SDK's own: a step hands over to the server, or the call ends
//	*misplaced    the step has a context that does not belong to this goroutine's call
//	errPanicsOn   the function is panicking already, and a deferred step must not hide that
//	*Panic        a panic of user code, with the stack it started with

// yield is the value that the SDK panics with to leave a function when the server has to
// take over. Its type is internal to the SDK, so one is captured at startup: a step whose
// context is done unwinds with it at once.
var (
	yield     = captureYield()
	yieldType = reflect.TypeOf(yield)
)

func captureYield() (value any) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { value = recover() }()
	sdkstep.Sleep(ctx, "", 0)
	panic("unreachable: the SDK ran a step with a done context")
}

// IsYield reports whether a recovered value is the SDK's control flow and not a panic of
// user code. Only its type counts, as in the SDK.
func IsYield(recovered any) bool { return reflect.TypeOf(recovered) == yieldType }

// Yield unwinds to the SDK, as a step does that waits for the server.
func Yield() { panic(yield) }

// misplaced is the panic of a step whose context does not belong to the call that runs on
// its goroutine.
type misplaced struct{ err error }

// refuseForeign panics if the goroutine runs a function. The caller has found that its
// context does not belong to that function.
func refuseForeign(what string) {
	if !inFunction() {
		return
	}
	panic(&misplaced{sdkerrors.NoRetryError(fmt.Errorf(
		"%s was given a context that is not the function's: pass the ctx of the function, "+
			"or of the branch of step.Parallel, or one derived from it", what))})
}

// AbortIfMisplaced reports whether recovered is the panic of a misplaced step, and aborts
// the call if it is.
func (c *Call) AbortIfMisplaced(recovered any) bool {
	m, ok := recovered.(*misplaced)
	if ok {
		c.setAborted(m.err)
	}
	return ok
}

// panicsOnError is the error of a deferred step that must not run, because its function
// panics.
type panicsOnError struct{ error }

var errPanicsOn = &panicsOnError{errors.New("the step was not run: the function panics")}

// unwinds reports whether a step has unwound the function with the recovered value. Other
// values are panics of user code.
func unwinds(recovered any) bool {
	_, ok := recovered.(*misplaced)
	return ok || IsYield(recovered)
}

// elsewhere returns nil if the goroutine can be unwound. Otherwise it aborts the call and
// returns the error for the code that called what there.
func (c *Call) elsewhere(what string, unwinding any) error {
	if canUnwind() {
		return nil
	}
	err := sdkerrors.NoRetryError(fmt.Errorf(
		"%s was called on a goroutine that the function has started: call steps on the function's own goroutine; "+
			"step.Parallel runs several at the same time", what))
	if m, ok := unwinding.(*misplaced); ok {
		err = m.err
	}
	c.setAborted(err)
	// The error is also logged, because the function may wait for this goroutine forever, or the
	// call may have ended.
	c.Logger.ErrorContext(c.Inner, "inngest: step on another goroutine",
		"function", c.FunctionID, "run_id", c.RunID, "attempt", c.Attempt, "error", err)
	return err
}

// Refuse aborts the call with err, which what has found, where no step is under way. On a
// goroutine that cannot be unwound, it returns an error instead.
func (c *Call) Refuse(what string, err error) error {
	if elsewhere := c.elsewhere(what, nil); elsewhere != nil {
		return elsewhere
	}
	c.Abort(err)
	return err
}

// CheckStepsEnded is called when the function has returned or was unwound. It aborts the
// call if a step is still under way, which must be on another goroutine.
func (c *Call) CheckStepsEnded() {
	if c.steps.underWay.Load() == 0 {
		return
	}
	c.setAborted(sdkerrors.NoRetryError(fmt.Errorf(
		"function %q ended while one of its steps was under way on a goroutine that it has started: "+
			"call steps on the function's own goroutine; step.Parallel runs several at the same time", c.FunctionID)))
}

// A Panic is a panic of user code on its way to the function's wrapper.
type Panic struct {
	// Where is what panicked: `step "send-email"`.
	Where string
	// Value is what it panicked with.
	Value any
	// Stack is the stack on which the panic started.
	Stack []byte
}

// String describes a panic that nothing recovers.
func (p *Panic) String() string {
	return fmt.Sprintf("%s panicked: %s\n%s", p.Where, safe.Sprint(p.Value), p.Stack)
}

// KeepStack is deferred. It adds the stack of its goroutine to a panic. That stack is gone
// once another goroutine panics with the same value.
func KeepStack(where string) {
	switch r := recover(); {
	case r == nil:
	case unwinds(r):
		panic(r)
	default:
		panic(newPanic(where, r))
	}
}

func newPanic(where string, value any) *Panic {
	if p, ok := value.(*Panic); ok {
		return p
	}
	return &Panic{Where: where, Value: value, Stack: debug.Stack()}
}
