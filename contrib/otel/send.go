package inngestotel

import (
	"context"
	"errors"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// send is the middleware that creates the span of each send and adds its context to the
// events.
func (t *telemetry) send(next inngestkit.SendHandler) inngestkit.SendHandler {
	start := t.attributed(AppIDKey.String(t.appID), messagingSystem,
		semconv.MessagingOperationName(opSend), semconv.MessagingOperationTypeSend)
	return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
		if len(events) == 0 {
			return next(ctx, events)
		}
		name := opSend
		if common := commonName(events); common != "" {
			name += " " + common
		}
		ctx, span := t.started(ctx, func() (context.Context, trace.Span) {
			return t.startSend(ctx, cut(name, maxName), start, events)
		})
		begin := time.Now()
		var ids []string
		err := errPanicked
		defer func() {
			t.guarded(func() { t.metrics.sent(ctx, time.Since(begin), events, len(ids), err) })
			t.guarded(func() { t.recordError(ctx, span, err, Recorded{}) })
			t.guarded(func() { span.End() })
		}()
		ids, err = next(ctx, t.inject(ctx, events))
		if len(events) == 1 && len(ids) == 1 {
			t.guarded(func() { span.SetAttributes(semconv.MessagingMessageID(cut(ids[0], maxName))) })
		}
		return ids, err
	}
}

// startSend starts the span of a send.
func (t *telemetry) startSend(
	ctx context.Context, name string, attributes trace.SpanStartEventOption, events []inngestkit.RawEvent,
) (context.Context, trace.Span) {
	ctx, span := t.tracer.Start(ctx, name, attributes, trace.WithSpanKind(trace.SpanKindProducer))
	if span.IsRecording() {
		span.SetAttributes(eventAttributes(events)...)
		t.recordEvents(ctx, span, "", events)
	}
	return ctx, span
}

// errPanicked is recorded for a send that does not return.
var errPanicked = errors.New("the send panicked or called runtime.Goexit")
