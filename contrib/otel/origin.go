package inngestotel

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/oklog/ulid/v2"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// origin returns ctx with the parent of a call's span, and links to the spans that sent
// the events. The result is the same for all calls of a run.
func (t *telemetry) origin(
	ctx context.Context, runID string, events []inngestkit.RawEvent,
) (context.Context, []trace.Link) {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	for range maxAbout {
		about := aboutRun(events)
		if about == nil {
			break
		}
		runID, events = about.RunID, about.Events
	}
	links := make([]trace.Link, 0, len(events)+1)
	if len(events) == 1 {
		parent := t.extract(ctx, events[0].Data)
		if links = appendLink(links, trace.SpanContextFromContext(parent), events[0]); len(links) == 1 {
			return parent, links
		}
	} else {
		for _, event := range events {
			links = appendLink(links, trace.SpanContextFromContext(t.extract(ctx, event.Data)), event)
		}
	}
	return ownTrace(ctx, runID), links
}

// appendLink adds a link to the span that sent the event, if it is valid.
func appendLink(links []trace.Link, sent trace.SpanContext, event inngestkit.RawEvent) []trace.Link {
	if !sent.IsValid() {
		return links
	}
	link := trace.Link{SpanContext: sent}
	if event.ID != nil {
		link.Attributes = []attribute.KeyValue{semconv.MessagingMessageID(cut(*event.ID, maxName))}
	}
	return append(links, link)
}

// ownTrace makes a span started with ctx a root of the run's own trace. Providers use
// the trace ID of a span context without a span ID, but do not treat it as a parent, so
// the sampler decides as for any root span.
func ownTrace(ctx context.Context, runID string) context.Context {
	if runID == "" {
		return ctx // the server sent no run ID
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID(runID)}))
}

// traceID returns the trace ID of a run: the 128 bits of its ID, which is a ULID, or a
// hash of any other ID.
func traceID(runID string) trace.TraceID {
	if id, err := ulid.ParseStrict(runID); err == nil && trace.TraceID(id).IsValid() {
		return trace.TraceID(id)
	}
	sum := sha256.Sum256([]byte(runID))
	return trace.TraceID(sum[:16])
}

// ended is the data of the server's events about a run that has ended.
type ended struct {
	RunID  string                `json:"run_id"`
	Event  inngestkit.RawEvent   `json:"event"`
	Events []inngestkit.RawEvent `json:"events"`
}

// maxAbout limits how many runs are followed back: a run may handle the failure of a
// run that handled the end of another, and so on.
const maxAbout = 8

// aboutRun returns the run that one of the server's events is about, nil for all other
// events. A failure handler belongs to the trace of the run that failed.
func aboutRun(events []inngestkit.RawEvent) *ended {
	if len(events) != 1 {
		return nil
	}
	event := events[0]
	switch event.Name {
	case "inngest/function.failed", "inngest/function.finished", "inngest/function.cancelled":
	default:
		return nil
	}
	var run ended
	if json.Unmarshal(event.Data, &run) != nil || run.RunID == "" {
		return nil
	}
	if len(run.Events) == 0 && run.Event.Name != "" {
		run.Events = []inngestkit.RawEvent{run.Event}
	}
	return &run
}
