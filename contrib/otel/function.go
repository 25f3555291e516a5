package inngestotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// function is the middleware that creates the span of each call of a function.
func (t *telemetry) function(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
	return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
		f := t.of(call.FunctionID)
		events, _ := call.Events() // none if they cannot be decoded; then the function fails, inside its span
		if f.filtered {
			return next(t.originOf(ctx, call, events), call) // the events it sends still belong to the trace
		}
		ctx, span := t.started(ctx, func() (context.Context, trace.Span) { return t.startProcess(ctx, f, call, events) })
		begin := time.Now()
		t.guarded(func() { f.metrics.begin(ctx) })
		call.OnEnd(func(outcome inngestkit.Outcome, err error) {
			t.guarded(func() { f.metrics.end(ctx, time.Since(begin), outcome, err) })
			t.end(ctx, span, outcome, err, Recorded{FunctionID: call.FunctionID})
		})
		return next(ctx, call)
	}
}

// originOf returns ctx with the parent of a call's span.
func (t *telemetry) originOf(
	ctx context.Context, call *inngestkit.FunctionCall, events []inngestkit.RawEvent,
) (origin context.Context) {
	origin = ctx
	t.guarded(func() { origin, _ = t.origin(ctx, call.RunID, events) }) //nolint:fatcontext // once
	return origin
}

// startProcess starts the span of a call, in the trace of its run.
func (t *telemetry) startProcess(
	ctx context.Context, f *function, call *inngestkit.FunctionCall, events []inngestkit.RawEvent,
) (context.Context, trace.Span) {
	arrived := trace.SpanFromContext(ctx)
	ctx, links := t.origin(ctx, call.RunID, events)
	if arrived.SpanContext().IsValid() {
		links = append(links, trace.Link{SpanContext: arrived.SpanContext()})
	}
	ctx, span := t.tracer.Start(ctx, f.spanName, f.process,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...))
	if arrived.IsRecording() && span.SpanContext().IsValid() {
		arrived.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	if span.IsRecording() {
		span.SetAttributes(callAttributes(call)...)
		span.SetAttributes(eventAttributes(events)...)
		t.recordEvents(ctx, span, call.FunctionID, events)
	}
	return ctx, span
}

// callAttributes returns the attributes that the spans of calls and steps share.
func callAttributes(call *inngestkit.FunctionCall) []attribute.KeyValue {
	attributes := make([]attribute.KeyValue, 0, 6)
	attributes = append(attributes, RunIDKey.String(cut(call.RunID, maxName)), AttemptKey.Int(call.Attempt))
	for _, a := range [...]attribute.KeyValue{
		RequestIDKey.String(call.RequestID), JobIDKey.String(call.JobID), EnvKey.String(call.Env),
	} {
		if a.Value.AsString() != "" {
			attributes = append(attributes, a.Key.String(cut(a.Value.AsString(), maxName)))
		}
	}
	return attributes
}

// eventAttributes describes the events that were sent or triggered a run.
func eventAttributes(events []inngestkit.RawEvent) []attribute.KeyValue {
	var attributes []attribute.KeyValue
	if name := commonName(events); name != "" {
		attributes = append(attributes, semconv.MessagingDestinationName(cut(name, maxName)))
	}
	if len(events) == 1 && events[0].ID != nil && *events[0].ID != "" {
		attributes = append(attributes, semconv.MessagingMessageID(cut(*events[0].ID, maxName)))
	}
	if len(events) > 1 {
		attributes = append(attributes, semconv.MessagingBatchMessageCount(len(events)))
	}
	return attributes
}

// commonName returns the name that all events share, "" if they differ.
func commonName(events []inngestkit.RawEvent) string {
	for _, event := range events {
		if event.Name != events[0].Name {
			return ""
		}
	}
	if len(events) == 0 {
		return ""
	}
	return events[0].Name
}
