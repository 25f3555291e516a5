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

// orderTrace is the trace of an order.
type orderTrace struct {
	id    trace.TraceID
	spans []sdktrace.ReadOnlySpan // by their start
	// linked are spans of other traces that those of this one link to.
	linked map[trace.SpanID]sdktrace.ReadOnlySpan
}

// traceOf is the trace of the order that was placed with an event. The error says
// what there should be and is not, or is not yet.
func traceOf(spans []sdktrace.ReadOnlySpan, eventID string) (*orderTrace, error) {
	sent := slices.IndexFunc(spans, func(span sdktrace.ReadOnlySpan) bool {
		return span.Name() == sendOrder && attributeOf(span, semconv.MessagingMessageIDKey) == eventID
	})
	if sent < 0 {
		return nil, fmt.Errorf("there is no span %q of the event %s", sendOrder, eventID)
	}
	t := traceWith(spans, spans[sent].SpanContext().TraceID())
	return t, t.check()
}

// traceWith is the trace with an ID.
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

// check looks whether the trace is whole: both functions have come to their end, and
// all spans have ended that others are below of or link to.
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
			return fmt.Errorf("the trace %s has no span %q that completed", t.id, name)
		}
	}
	for _, span := range t.spans {
		if parent := span.Parent(); parent.IsValid() && !known[parent.SpanID()] {
			return fmt.Errorf("the parent %s of %q is not in the trace %s", parent.SpanID(), span.Name(), t.id)
		}
		if span.SpanKind() == trace.SpanKindConsumer && len(t.calls(span)) == 0 {
			return fmt.Errorf("%q of the trace %s has no link to the HTTP server span of its call", span.Name(), t.id)
		}
	}
	return nil
}

// calls are the spans of other traces that span links to.
func (t *orderTrace) calls(span sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	var calls []sdktrace.ReadOnlySpan
	for _, link := range span.Links() {
		if call := t.linked[link.SpanContext.SpanID()]; call != nil {
			calls = append(calls, call)
		}
	}
	return calls
}

// ours lists the traces that spans of sends, functions and steps are in.
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

// checkOne looks whether all that was done for the one order is one trace.
func checkOne(spans []sdktrace.ReadOnlySpan) error {
	if found := ours(spans); len(found) != 1 {
		return fmt.Errorf("one order should be one trace, and sends, functions and steps are in %d: %v", len(found), found)
	}
	return nil
}

// attributeOf is an attribute as text, "" if the span has none.
func attributeOf(span sdktrace.ReadOnlySpan, key attribute.Key) string {
	for _, a := range span.Attributes() {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// checkOrder is both checks, for the first order, when there was no other.
func checkOrder(spans []sdktrace.ReadOnlySpan, eventID string) (*orderTrace, error) {
	t, err := traceOf(spans, eventID)
	return t, errors.Join(err, checkOne(spans))
}
