package tracing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

const (
	// requested is the trace of its own that the Inngest server sends with a call.
	requested = "00-11111111111111111111111111111111-2222222222222222-01"
	// sentBy is the trace that an event carries.
	sentBy = "00-33333333333333333333333333333333-4444444444444444-01"
)

// spanContext parses a traceparent.
func spanContext(t *testing.T, traceparent string) trace.SpanContext {
	t.Helper()
	ctx := w3c.Extract(t.Context(), propagation.MapCarrier{"traceparent": traceparent})
	require.True(t, trace.SpanContextFromContext(ctx).IsValid(), traceparent)
	return trace.SpanContextFromContext(ctx)
}

// carried returns the context that the last sent event carries.
func (s *site) carried(t *testing.T) trace.SpanContext {
	t.Helper()
	data := s.sent.data()
	require.NotEmpty(t, data)
	field, _ := data[len(data)-1]["traceContext"].(map[string]any)
	traceparent, _ := field["traceparent"].(string)
	return spanContext(t, traceparent)
}

// traceOf returns the trace of a run whose event carries none.
func traceOf(t *testing.T, runID string) trace.TraceID {
	t.Helper()
	id, err := ulid.ParseStrict(runID)
	require.NoError(t, err)
	return trace.TraceID(id)
}

// setups lists how a framework may be instrumented. The order makes no difference.
var setups = map[string]func(traces trace.TracerProvider) instrumented{
	"not instrumented":                 func(trace.TracerProvider) instrumented { return instrumented{} },
	"instrumented before the app":      func(traces trace.TracerProvider) instrumented { return instrumented{traces: traces} },
	"instrumented after the app's own": func(traces trace.TracerProvider) instrumented { return instrumented{traces, true} },
}

// eachSetup runs test for each framework in each setup.
func eachSetup(t *testing.T, test func(t *testing.T, w web)) {
	t.Helper()
	for _, with := range frameworks {
		for name, setup := range setups {
			t.Run(with.name+" "+name, func(t *testing.T) {
				t.Parallel()
				on := newTelemetry()
				test(t, web{with, on, setup(on.traces)})
			})
		}
	}
}

// web is a framework in one setup.
type web struct {
	framework
	telemetry

	in instrumented
}

// request sends one POST request, with the header traceparent, to the site on a listener, and
// returns the recorded spans after everything has ended.
func (w web) request(t *testing.T, s *site, target, body string) tracetest.SpanStubs {
	t.Helper()
	listener := testsite.Listen(t, "")
	shutdown := testsite.Serve(t, w.serve(s.app, w.in), listener)
	status, answer, err := testsite.Request(testsite.Within(t), testsite.NewClient(t), http.MethodPost,
		"http://"+listener.Addr().String()+target, body, http.Header{"Traceparent": {requested}})
	require.NoError(t, err)
	require.Less(t, status, 300, answer)
	shutdown() // also waits for the instrumentation
	return w.spans.GetSpans()
}

// serverSpan returns the span of the framework's instrumentation, nil without any. It continues
// the trace of the request.
func (w web) serverSpan(t *testing.T, spans tracetest.SpanStubs) *tracetest.SpanStub {
	t.Helper()
	var found *tracetest.SpanStub
	for i, span := range spans {
		if span.SpanKind == trace.SpanKindServer {
			require.Nil(t, found, "one request")
			found = &spans[i]
		}
	}
	if w.in.traces == nil {
		require.Nil(t, found)
		return nil
	}
	require.NotNil(t, found)
	require.True(t, spanContext(t, requested).Equal(found.Parent), "%v", found.Parent)
	return found
}

// The span of a call belongs to the trace of the run, not to that of the request, and the two
// link to each other.
func TestCallBehindInstrumentation(t *testing.T) {
	t.Parallel()
	ofEvent := spanContext(t, sentBy)
	for name, tc := range map[string]struct {
		data   string
		trace  trace.TraceID
		parent trace.SpanID
		links  []trace.SpanContext
	}{
		"event with a trace":    {`{"id":"o1","traceContext":{"traceparent":"` + sentBy + `"}}`, ofEvent.TraceID(), ofEvent.SpanID(), []trace.SpanContext{ofEvent}},
		"event without a trace": {`{"id":"o1"}`, traceOf(t, runID), trace.SpanID{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachSetup(t, func(t *testing.T, w web) {
				s := newSiteOn(t, w.telemetry, nil, onPlaced(func(context.Context, input) (any, error) { return nil, nil }))
				spans := w.request(t, s, "/api/inngest?fnId=shop-fulfil&stepId=step", string(run{events: []string{event("ev1", tc.data)}}.body(t)))
				process, server, links := s.named(t, "process fulfil"), w.serverSpan(t, spans), tc.links
				require.Equal(t, tc.trace, process.SpanContext.TraceID())
				require.Equal(t, tc.parent, process.Parent.SpanID())
				if server != nil {
					links = append(slices.Clip(links), server.SpanContext)
					require.Equal(t, []trace.SpanContext{process.SpanContext}, linked(*server))
				}
				require.Equal(t, links, linked(process))
				require.Len(t, spans, len(links)-len(tc.links)+1)
			})
		})
	}
}

// linked returns the spans that a span links to.
func linked(span tracetest.SpanStub) []trace.SpanContext {
	var links []trace.SpanContext
	for _, link := range span.Links {
		links = append(links, link.SpanContext)
	}
	return links
}

// Code in functions and steps finds the span it runs in, whatever the framework has stored in
// the context. Its own spans and requests are children of that span.
func TestUsersSpansBehindInstrumentation(t *testing.T) {
	t.Parallel()
	eachSetup(t, func(t *testing.T, w web) {
		asked := make(chan http.Header, 1)
		bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header }))
		defer bank.Close()
		own := w.traces.Tracer("shop")
		found := map[string]trace.SpanContext{}
		work := func(ctx context.Context, where string) {
			found[where] = trace.SpanContextFromContext(ctx)
			_, span := own.Start(ctx, "work in "+where)
			span.End()
		}
		s := newSiteOn(t, w.telemetry, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
			work(ctx, "function")
			return step.Run(ctx, "pay", func(ctx context.Context) (int, error) {
				work(ctx, "step")
				client := &http.Client{Transport: otelhttp.NewTransport(bank.Client().Transport,
					otelhttp.WithTracerProvider(w.traces), otelhttp.WithPropagators(w3c))}
				status, _, err := testsite.Request(ctx, client, http.MethodPost, bank.URL, "", nil)
				return status, err
			})
		}))
		spans := w.request(t, s, "/api/inngest?fnId=shop-fulfil&stepId=step", string(run{}.body(t)))
		process, pay, client := s.named(t, "process fulfil"), s.named(t, "step pay"), s.named(t, "HTTP POST")
		require.Equal(t, map[string]trace.SpanContext{"function": process.SpanContext, "step": pay.SpanContext}, found)
		for child, parent := range map[string]tracetest.SpanStub{
			"work in function": process, "step pay": process, "work in step": pay, "HTTP POST": pay,
		} {
			require.Equal(t, parent.SpanContext, s.named(t, child).Parent, child)
		}
		require.Equal(t, client.SpanContext.SpanID(), spanContext(t, (<-asked).Get("Traceparent")).SpanID())
		if server := w.serverSpan(t, spans); server != nil {
			require.NotEqual(t, server.SpanContext.TraceID(), process.SpanContext.TraceID())
		}
	})
}

// The span of a send in a request handler is a child of the request's span, and the event
// carries it.
func TestSendBehindInstrumentation(t *testing.T) {
	t.Parallel()
	eachSetup(t, func(t *testing.T, w web) {
		s := newSiteOn(t, w.telemetry, nil)
		spans := w.request(t, s, "/orders", "")
		send := s.named(t, "send order.placed")
		if server := w.serverSpan(t, spans); server != nil {
			require.Equal(t, server.SpanContext, send.Parent)
		} else {
			require.False(t, send.Parent.IsValid(), "nothing has read the header")
		}
		require.Equal(t, send.SpanContext.WithRemote(true), s.carried(t))
	})
}

// The span of an app with its own provider links to the framework's span even if the
// framework's provider has dropped that span.
func TestRequestThatIsNotSampled(t *testing.T) {
	t.Parallel()
	for _, with := range frameworks {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			on := newTelemetry()
			dropped := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
			w := web{with, on, instrumented{traces: dropped}}
			s := newSiteOn(t, w.telemetry, nil, onPlaced(func(context.Context, input) (any, error) { return nil, nil }))
			spans := w.request(t, s, "/api/inngest?fnId=shop-fulfil&stepId=step", string(run{}.body(t)))
			require.Len(t, spans, 1)
			require.Len(t, spans[0].Links, 1)
			require.Equal(t, spanContext(t, requested).TraceID(), spans[0].Links[0].SpanContext.TraceID())
			require.False(t, spans[0].Links[0].SpanContext.IsSampled())
			require.True(t, spans[0].SpanContext.IsSampled())
		})
	}
}
