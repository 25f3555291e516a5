package call

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/inngest/inngestgo/group"
)

// A step leaves its function by a panic. Only a few functions recover it. On a goroutine
// where none of them runs, the panic would end the process. The stack shows which functions
// run. Walking it takes one or two microseconds, so it is done only where a step is about
// to run or to unwind, and not for memoized results.

// guards are the entry points of the functions that recover the unwinding of a
// function's steps.
var guards = []uintptr{entryOf((*Call).runBranch)}

// groupEntry is the entry point of the function that recovers the unwinding in the SDK's
// group.Parallel, on the goroutine of each branch. That function is not exported, so its
// entry point is captured at startup.
var groupEntry = captureGroup()

// RegisterGuards adds functions of the core that recover the unwinding of steps. It is
// called at startup. It returns true, to be usable as the initializer of a variable.
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
// recovers its panic. The standard library's iter.Pull passes a panic on to its caller.
func canUnwind() bool { return onStack(recovers) || onStack(pulled) }

func recovers(f *runtime.Func) bool {
	return f.Entry() == groupEntry || slices.Contains(guards, f.Entry())
}

// inGroup reports whether this goroutine runs a branch of the SDK's group.Parallel that is not
// a branch of step.Parallel.
func inGroup() (group bool) {
	onStack(func(f *runtime.Func) bool {
		group = f.Entry() == groupEntry
		return group || slices.Contains(guards, f.Entry())
	})
	return group
}

func pulled(f *runtime.Func) bool { return strings.HasPrefix(f.Name(), "iter.Pull") }

// panicEntry is the entry point of the runtime's function that calls deferred functions in
// a panic.
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

// stepPackage is the prefix of the names of the functions by which users call steps.
const stepPackage = "github.com/inngestkit/inngestkit/core/step."

// surroundings reports whether a step can unwind this goroutine, as canUnwind does, and
// whether a panic of the function runs the step: the step itself was deferred (defer
// step.Run(…)), so nothing can have recovered the panic. A step inside a deferred function
// may follow a recover, which the stack does not show.
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

// onStack reports whether match holds for a function on the stack of this goroutine.
func onStack(match func(f *runtime.Func) bool) bool {
	var first [20]uintptr // most steps are less deep in their function
	pcs := first[:]
	for skip := 2; ; {
		n := runtime.Callers(skip, pcs)
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && match(f) {
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
