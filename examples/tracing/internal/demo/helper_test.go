package demo

import (
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Traces in the tests.
var (
	orderID = trace.TraceID{1}
	otherID = trace.TraceID{2}
)

// began is the start of the first span.
var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// at returns the context of a span.
func at(id trace.TraceID, span byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{span}, TraceFlags: trace.FlagsSampled})
}

// stub returns a span of a trace, below the span with the ID parent, 0 for none. It
// starts the given number of milliseconds after the first span and takes half a
// millisecond.
func stub(name, service string, id trace.TraceID, span, parent byte, after int, kind trace.SpanKind) tracetest.SpanStub {
	start := began.Add(time.Duration(after) * time.Millisecond)
	s := tracetest.SpanStub{
		Name: name, SpanContext: at(id, span), SpanKind: kind,
		StartTime: start, EndTime: start.Add(500 * time.Microsecond),
		Resource: resource.NewSchemaless(semconv.ServiceName(service)),
	}
	if !strings.HasPrefix(name, "POST") {
		s.InstrumentationScope = instrumentation.Scope{Name: inngestotel.ScopeName}
	}
	if parent != 0 {
		s.Parent = at(id, parent)
	}
	return s
}

// with adds attributes to a span.
func with(s tracetest.SpanStub, attributes ...attribute.KeyValue) tracetest.SpanStub {
	s.Attributes = append(s.Attributes, attributes...)
	return s
}
