package inngestotel

import (
	"context"
	"fmt"
	"runtime/debug"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

// guard is deferred around calls of providers, propagators and exporters: a panic there
// must not fail a call of the app. It reports the first panic.
func (t *telemetry) guard() {
	r := recover()
	if r == nil {
		return
	}
	stack := debug.Stack()
	t.panicked.Do(func() {
		defer func() { _ = recover() }() // in the error handler
		otel.Handle(fmt.Errorf("inngestotel: OpenTelemetry panicked, so spans or metrics are missing; "+
			"further panics are not reported: %v\n%s", r, stack))
	})
}

// noSpan replaces a span whose start panicked.
var noSpan = trace.SpanFromContext(context.Background())

// started returns the result of start, or ctx and noSpan if start panics.
func (t *telemetry) started(
	ctx context.Context, start func() (context.Context, trace.Span),
) (inner context.Context, span trace.Span) {
	inner, span = ctx, noSpan
	t.guarded(func() { inner, span = start() }) //nolint:fatcontext // once
	return inner, span
}

// guarded calls f, which calls OpenTelemetry, and recovers panics.
func (t *telemetry) guarded(f func()) {
	defer t.guard()
	f()
}
