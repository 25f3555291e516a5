package inngestkit

import (
	"runtime/debug"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// caught runs f, which calls code of the user's on a goroutine of the app, and reports
// whether it panicked. A panic is logged; it would end the process otherwise.
func (a *App) caught(what string, f func()) (panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			panicked = true
			a.config.Logger.Error("inngest: "+what+" panicked", "panic", safe.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	f()
	return false
}
