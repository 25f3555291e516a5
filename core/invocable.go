package inngestkit

import (
	"fmt"
	"runtime"
)

// invocables checks what the steps of an app's functions invoke.
type invocables struct{ app *App }

// Check refuses the value of a function that is not one of the app's: the server would
// invoke another one, or none, under its ID in this app. A [Ref] says by itself where
// its function is.
func (i invocables) Check(function any) error {
	f, ok := function.(Function)
	if !ok {
		return nil
	}
	registered := i.app.registry.Load().byID[i.app.compositeID(f.ID())]
	if registered != nil && sameCode(registered.source.handler, f.definition().handler) {
		return nil
	}
	return fmt.Errorf("function %q is not registered with app %q: register it there, "+
		"or name its app in the AppID of an inngestkit.Ref", f.ID(), i.app.ID())
}

// sameCode reports whether two handlers are the same function in the source code: a
// function that makes a [Function] may be called several times, and where the compiler
// has inlined it, its handler is compiled several times, too.
func sameCode(a, b uintptr) bool {
	if a == b {
		return true
	}
	f, g := runtime.FuncForPC(a), runtime.FuncForPC(b)
	if f == nil || g == nil {
		return false
	}
	fileA, lineA := f.FileLine(a)
	fileB, lineB := g.FileLine(b)
	return fileA == fileB && lineA == lineB
}
