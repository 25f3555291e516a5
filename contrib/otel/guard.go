package inngestotel

import (
	"context"
	"fmt"
	"runtime/debug"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
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

// noSpan is what there is in place of a span whose start has panicked.
var noSpan = trace.SpanFromContext(context.Background())

// started returns what start does, or ctx and no span if that panics.
func (t *telemetry) started(
	ctx context.Context, start func() (context.Context, trace.Span),
) (inner context.Context, span trace.Span) {
	inner, span = ctx, noSpan
	t.guarded(func() { inner, span = start() }) //nolint:fatcontext // once
	return inner, span
}

// guarded calls what calls providers.
func (t *telemetry) guarded(f func()) {
	defer t.guard()
	f()
}
