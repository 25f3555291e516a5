package inngestotel

import (
	"fmt"
	"runtime/debug"

	"go.opentelemetry.io/otel"
)

// guard is deferred where providers, propagators and exporters are called: what panics
// there must not fail a call of the app's. The first panic is reported.
func (t *telemetry) guard() {
	r := recover()
	if r == nil {
		return
	}
	stack := debug.Stack()
	t.panicked.Do(func() {
		defer func() { _ = recover() }() // of the error handler
		otel.Handle(fmt.Errorf("inngestotel: OpenTelemetry panicked, so that spans or metrics are missing, "+
			"also if it happens again, which is not reported: %v\n%s", r, stack))
	})
}

// guarded calls what calls providers.
func (t *telemetry) guarded(f func()) {
	defer t.guard()
	f()
}
