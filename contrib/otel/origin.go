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

// origin returns ctx with what is the parent of a call's span, and links to the
// spans that sent the events. It comes to the same for all calls of a run.
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

// appendLink adds a link to the span that sent the event, if that is known.
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

// ownTrace has a span started with ctx be a root of the run's own trace. Providers
// take the trace ID from a parent that has one; without a span ID it is no parent
// otherwise, so that the sampler decides as for any root.
func ownTrace(ctx context.Context, runID string) context.Context {
	if runID == "" {
		return ctx // of a server that names no runs
	}
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID(runID)}))
}

// traceID is the trace ID of a run: a ULID, which run IDs are, has its 128 bits.
func traceID(runID string) trace.TraceID {
	if id, err := ulid.ParseStrict(runID); err == nil && trace.TraceID(id).IsValid() {
		return trace.TraceID(id)
	}
	sum := sha256.Sum256([]byte(runID))
	return trace.TraceID(sum[:16])
}

// ended is what the server's events about a run that has ended tell of it.
type ended struct {
	RunID  string                `json:"run_id"`
	Event  inngestkit.RawEvent   `json:"event"`
	Events []inngestkit.RawEvent `json:"events"`
}

// maxAbout bounds how deep runs may be about runs: the failure of a function that
// handled the end of another, and so on.
const maxAbout = 8

// aboutRun is the run that an event of the server is about, nil for all other events.
// What handles a failure belongs to the trace of the run that failed.
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
