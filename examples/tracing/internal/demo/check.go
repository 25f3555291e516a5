package demo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Names of spans in the services.
const (
	sendOrder    = "send order.placed"
	processOrder = "process fulfil-order"
	processShip  = "process ship-order"
)

// An orderTrace is the trace of an order.
type orderTrace struct {
	id    trace.TraceID
	spans []sdktrace.ReadOnlySpan // in order of their start
	// linked holds the spans of other traces that spans of this one link to.
	linked map[trace.SpanID]sdktrace.ReadOnlySpan
}

// traceOf returns the trace of the order placed with an event. The error says what is
// missing, perhaps only for now.
func traceOf(spans []sdktrace.ReadOnlySpan, eventID string) (*orderTrace, error) {
	sent := slices.IndexFunc(spans, func(span sdktrace.ReadOnlySpan) bool {
		return span.Name() == sendOrder && attributeOf(span, semconv.MessagingMessageIDKey) == eventID
	})
	if sent < 0 {
		return nil, fmt.Errorf("the event %s has no span %q", eventID, sendOrder)
	}
	t := traceWith(spans, spans[sent].SpanContext().TraceID())
	return t, t.check()
}

// traceWith returns the trace with an ID.
func traceWith(spans []sdktrace.ReadOnlySpan, id trace.TraceID) *orderTrace {
	t := &orderTrace{id: id, linked: map[trace.SpanID]sdktrace.ReadOnlySpan{}}
	targets := map[trace.SpanID]bool{}
	for _, span := range spans {
		if span.SpanContext().TraceID() != id {
			continue
		}
		t.spans = append(t.spans, span)
		for _, link := range span.Links() {
			targets[link.SpanContext.SpanID()] = true
		}
	}
	for _, span := range spans {
		if span.SpanContext().TraceID() != id && targets[span.SpanContext().SpanID()] {
			t.linked[span.SpanContext().SpanID()] = span
		}
	}
	slices.SortFunc(t.spans, func(a, b sdktrace.ReadOnlySpan) int {
		if order := a.StartTime().Compare(b.StartTime()); order != 0 {
			return order
		}
		return strings.Compare(a.SpanContext().SpanID().String(), b.SpanContext().SpanID().String())
	})
	return t
}

// check checks that the trace is complete: both functions have completed, and all spans
// have ended that are the parent or the link of another one.
func (t *orderTrace) check() error {
	ended := map[string]bool{}
	known := map[trace.SpanID]bool{}
	for _, span := range t.spans {
		known[span.SpanContext().SpanID()] = true
		if attributeOf(span, inngestotel.OutcomeKey) == string(inngestkit.OutcomeCompleted) {
			ended[span.Name()] = true
		}
	}
	for _, name := range []string{processOrder, processShip} {
		if !ended[name] {
			return fmt.Errorf("the trace %s has no completed span %q", t.id, name)
		}
	}
	for _, span := range t.spans {
		if parent := span.Parent(); parent.IsValid() && !known[parent.SpanID()] {
			return fmt.Errorf("the parent %s of %q is not in the trace %s", parent.SpanID(), span.Name(), t.id)
		}
		if span.SpanKind() == trace.SpanKindConsumer && len(t.calls(span)) == 0 {
			return fmt.Errorf("%q in the trace %s has no link to the HTTP server span of its call", span.Name(), t.id)
		}
	}
	return nil
}

// calls returns the spans of other traces that span links to.
func (t *orderTrace) calls(span sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	var calls []sdktrace.ReadOnlySpan
	for _, link := range span.Links() {
		if call := t.linked[link.SpanContext.SpanID()]; call != nil {
			calls = append(calls, call)
		}
	}
	return calls
}

// ours returns the traces with spans of sends, functions and steps.
func ours(spans []sdktrace.ReadOnlySpan) []trace.TraceID {
	var found []trace.TraceID
	for _, span := range spans {
		id, ours := span.SpanContext().TraceID(), span.InstrumentationScope().Name == inngestotel.ScopeName
		if ours && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found
}

// checkOne checks that everything done for the only order is in one trace.
func checkOne(spans []sdktrace.ReadOnlySpan) error {
	if found := ours(spans); len(found) != 1 {
		return fmt.Errorf("one order should be one trace, but sends, functions and steps are in %d: %v", len(found), found)
	}
	return nil
}

// attributeOf returns an attribute as text, "" if the span does not have it.
func attributeOf(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range span.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// checkOrder does both checks for the first and only order.
func checkOrder(spans []sdktrace.ReadOnlySpan, eventID string) (*orderTrace, error) {
	t, err := traceOf(spans, eventID)
	return t, errors.Join(err, checkOne(spans))
}
