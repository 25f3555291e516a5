package inngestotel

import (
	"context"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// send makes the span of each send, and puts its context into the events.
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
		ctx, span := t.tracer.Start(ctx, name, start, trace.WithSpanKind(trace.SpanKindProducer))
		defer span.End() // also if what is inside panics
		if span.IsRecording() {
			span.SetAttributes(eventAttributes(events)...)
			t.recordEvents(ctx, span, "", events)
		}
		begin := time.Now()
		ids, err := next(ctx, t.inject(ctx, events))
		t.metrics.sent(ctx, time.Since(begin), events, len(ids), err)
		if len(events) == 1 && len(ids) == 1 {
			span.SetAttributes(semconv.MessagingMessageID(ids[0]))
		}
		t.endSend(ctx, span, err)
		return ids, err
	}
}
