package call

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/group"
)

// A step leaves its function by a panic. Only a few functions recover that one; on a
// goroutine where none of them runs, it would end the process. Which functions run is
// seen on the stack: that takes a microsecond or two, so it is looked at only where a
// step is about to run or to unwind, and not for kept results.

// guards are the entry points of the functions that recover the unwinding of a
// function's steps.
var guards = []uintptr{entryOf((*Call).runBranch)}

// groupEntry is the entry point of what recovers it in a group.Parallel of the SDK, on
// the goroutine of each branch. It has no name that could be used, so it is caught at
// start-up.
var groupEntry = captureGroup()

// RegisterGuards adds functions that recover the unwinding of steps and are known to no
// other package: of the core, at start-up.
func RegisterGuards(functions ...any) bool {
	for _, f := range functions {
		guards = append(guards, entryOf(f))
	}
	return true
}

func entryOf(function any) uintptr { return reflect.ValueOf(function).Pointer() }

func captureGroup() (entry uintptr) {
	group.Parallel(context.Background(), func(context.Context) (any, error) {
		var caller [1]uintptr
		runtime.Callers(2, caller[:])
		entry = runtime.FuncForPC(caller[0] - 1).Entry()
		return struct{}{}, nil
	})
	return entry
}

// inFunction reports whether a function, or a branch of its step.Parallel, runs on this
// goroutine.
func inFunction() bool {
	return onStack(func(f *runtime.Func) bool { return slices.Contains(guards, f.Entry()) })
}

// canUnwind reports whether a step can unwind this goroutine, because something
// recovers that. The standard library's iter.Pull passes a panic on to its caller.
func canUnwind() bool { return onStack(recovers) || onStack(pulled) }

func recovers(f *runtime.Func) bool {
	return f.Entry() == groupEntry || slices.Contains(guards, f.Entry())
}

func pulled(f *runtime.Func) bool { return strings.HasPrefix(f.Name(), "iter.Pull") }

// panicEntry is the entry point of what calls deferred functions in a panic.
var panicEntry = capturePanic()

func capturePanic() (entry uintptr) {
	defer func() {
		var caller [1]uintptr
		runtime.Callers(2, caller[:])
		entry = runtime.FuncForPC(caller[0] - 1).Entry()
		_ = recover()
	}()
	panic("")
}

// stepPackage begins the names of the functions that users call steps by.
const stepPackage = "github.com/inngestkit/inngestkit/core/step."

// surroundings reports whether a step can unwind this goroutine, as canUnwind does, and
// whether a panic of the function runs it: it was deferred itself (defer step.Run(…)), so
// that nothing can have recovered the panic. A step in a function that was deferred may
// come after a recover, which does not show.
func surroundings() (unwindable, inPanic bool) {
	var above *runtime.Func
	unwindable = onStack(func(f *runtime.Func) bool {
		if f.Entry() == panicEntry && strings.HasPrefix(above.Name(), stepPackage) {
			inPanic = true
		}
		above = f
		return recovers(f)
	}) || onStack(pulled)
	return unwindable, inPanic
}

// panicsOnError is what a step is left with that must not run, because the function panics.
type panicsOnError struct{ error }

var errPanicsOn = &panicsOnError{errors.New("the step was not run: the function panics")}

// onStack reports whether one of the functions on the stack of this goroutine is meant.
func onStack(meant func(f *runtime.Func) bool) bool {
	var first [20]uintptr // a step is mostly less deep in its function
	pcs := first[:]
	for skip := 2; ; {
		n := runtime.Callers(skip, pcs)
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && meant(f) {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
		skip += n
		pcs = make([]uintptr, 2*len(pcs))
	}
}

// misplaced is what a step panics with if its context does not belong to the call that
// runs on its goroutine.
type misplaced struct{ err error }

// Refused makes the call fail if recovered is the panic of a misplaced step, and
// reports whether it is.
func (c *Call) Refused(recovered any) bool {
	m, ok := recovered.(*misplaced)
	if ok {
		c.record(m.err)
	}
	return ok
}

// unwinds reports whether a recovered value is what a step unwinds the function with,
// and not a panic of the user's.
func unwinds(recovered any) bool {
	_, ok := recovered.(*misplaced)
	return ok || IsYield(recovered)
}

// elsewhere makes the call fail, and an error of what unwinds a step, if the goroutine
// cannot be unwound. It is nil if it can.
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
	c.record(err)
	// The function may wait for this goroutine in vain, or the call may have ended.
	c.Logger.ErrorContext(c.Inner, "inngest: step on another goroutine",
		"function", c.FunctionID, "run_id", c.RunID, "attempt", c.Attempt, "error", err)
	return err
}

// SetHandled notes that the function has returned or was unwound. A step that is still
// under way is on another goroutine.
func (c *Call) SetHandled() {
	if c.inside.Load() == 0 {
		return
	}
	c.record(sdkerrors.NoRetryError(fmt.Errorf(
		"function %q ended while one of its steps was under way on a goroutine that it has started: "+
			"call steps on the function's own goroutine; step.Parallel runs several at the same time", c.FunctionID)))
}

// refuseForeign panics if the goroutine runs a function, to which ctx does not belong.
func refuseForeign(what string) {
	if !inFunction() {
		return
	}
	panic(&misplaced{sdkerrors.NoRetryError(fmt.Errorf(
		"%s was given a context that is not the function's: pass the ctx of the function, "+
			"or of the branch of step.Parallel, or one derived from it", what))})
}
