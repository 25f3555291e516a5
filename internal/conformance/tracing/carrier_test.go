package tracing

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// anything is event data of any shape.
type anything = map[string]any

var shaped = inngestkit.DefineEvent[anything]("any.shape")

const (
	eventTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	eventSpan   = "00f067aa0ba902b7"
	traceparent = "00-" + eventTrace + "-" + eventSpan + "-01"
	otherTrace  = "0af7651916cd43dd8448eb211c80319c"
	otherParent = "00-" + otherTrace + "-b7ad6b7169203331-01"
)

// Sent events carry the context of their span, in addition to what they carried before.
func TestSentEventsCarryTheirTrace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []inngestotel.Option
		data    anything
		field   string
		want    string // %s is the traceparent of the send
	}{
		"data":                                 {data: anything{"id": "o1"}, want: `{"traceContext":{"traceparent":"%s"},"id":"o1"}`},
		"no data":                              {data: nil, want: `{"traceContext":{"traceparent":"%s"}}`},
		"empty data":                           {data: anything{}, want: `{"traceContext":{"traceparent":"%s"}}`},
		"a value of the user":                  {data: anything{"traceContext": "mine"}, want: `{"traceContext":"mine"}`},
		"a null of the user":                   {data: anything{"traceContext": nil}, want: `{"traceContext":null}`},
		"a nested field":                       {data: anything{"a": anything{"traceContext": 1}}, want: `{"traceContext":{"traceparent":"%s"},"a":{"traceContext":1}}`},
		"another field":                        {options: []inngestotel.Option{inngestotel.WithField("otel.ctx")}, data: anything{"a": 1}, want: `{"otel.ctx":{"traceparent":"%s"},"a":1}`},
		"a quoted field":                       {options: []inngestotel.Option{inngestotel.WithField(`a"b`)}, data: anything{"a": 1}, want: `{"a\"b":{"traceparent":"%s"},"a":1}`},
		"a quoted field that the user has set": {options: []inngestotel.Option{inngestotel.WithField(`a"b`)}, data: anything{`a"b`: 1}, want: `{"a\"b":1}`},
		"switched off":                         {options: []inngestotel.Option{inngestotel.WithField("")}, data: anything{"a": 1}, want: `{"a":1}`},
		"another format":                       {options: []inngestotel.Option{inngestotel.WithPropagators(shout{})}, data: anything{"a": 1}, want: `{"traceContext":{"SHOUT":"%s"},"a":1}`},
		"a huge format":                        {options: []inngestotel.Option{inngestotel.WithPropagators(huge{})}, data: anything{"a": 1}, want: `{"a":1}`},
		"default format":                       {options: []inngestotel.Option{inngestotel.WithPropagators(nil)}, data: anything{"a": 1}, want: `{"traceContext":{"traceparent":"%s"},"a":1}`},
		"a large event":                        {data: anything{"a": strings.Repeat("x", 2<<20)}, want: `{"traceContext":{"traceparent":"%s"},"a":"` + strings.Repeat("x", 2<<20) + `"}`},
		"a field in other case":                {data: anything{"TraceContext": "mine"}, want: `{"TraceContext":"mine"}`},
		"some room":                            {data: anything{"a": strings.Repeat("x", 3<<20-300)}, want: `{"traceContext":{"traceparent":"%s"},"a":"` + strings.Repeat("x", 3<<20-300) + `"}`},
		"no room":                              {data: anything{"a": strings.Repeat("x", 3<<20-100)}, want: `{"a":"` + strings.Repeat("x", 3<<20-100) + `"}`},
		"digits are kept":                      {data: anything{"n": json.Number("9007199254740993")}, want: `{"traceContext":{"traceparent":"%s"},"n":9007199254740993}`},
		"a context of the user":                {data: anything{"traceContext": anything{"traceparent": "x"}}, want: `{"traceContext":{"traceparent":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.options)
			_, err := s.app.Send(t.Context(), shaped.New(tc.data))
			require.NoError(t, err)
			span := s.named(t, "send any.shape").SpanContext
			parent := fmt.Sprintf("00-%s-%s-01", span.TraceID(), span.SpanID())
			got := string(s.sent.of(t, 0).Data)
			require.Less(t, len(s.sent.raw[0]), 3<<20)
			if got != strings.ReplaceAll(tc.want, "%s", parent) { // prints less than require.Equal if a large one differs
				require.Equal(t, shortened(strings.ReplaceAll(tc.want, "%s", parent)), shortened(got))
			}
		})
	}
}

func shortened(text string) string { return text[:min(len(text), 200)] }

// of returns one of the events that were sent.
func (e *events) of(t *testing.T, i int) inngestkit.RawEvent {
	t.Helper()
	var event inngestkit.RawEvent
	require.NoError(t, json.Unmarshal([]byte(e.raw[i]), &event))
	return event
}

// shout is a propagator of the user.
type shout struct{}

func (shout) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	inner := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, inner)
	carrier.Set("SHOUT", inner["traceparent"])
}

func (shout) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": carrier.Get("SHOUT")})
}

func (shout) Fields() []string { return []string{"SHOUT"} }

// The deprecated field of events counts toward the size of an event that is nearly full, and
// keeps its digits.
func TestUserOfSentEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	event := shaped.New(anything{"a": 1})
	event.User = map[string]any{"id": int64(1<<53 + 1)}
	_, err := s.app.Send(t.Context(), event)
	require.NoError(t, err)
	require.Contains(t, s.sent.raw[0], `"user":{"id":9007199254740993}`)
	require.Contains(t, s.sent.raw[0], "traceContext")
	event.User["x"] = strings.Repeat("x", 3<<20-130)
	_, err = s.app.Send(t.Context(), event)
	require.NoError(t, err)
	require.NotContains(t, s.sent.raw[1][:200], "traceContext")
}

// huge is a propagator that writes more than an event has room for.
type huge struct{ shout }

func (huge) Inject(_ context.Context, carrier propagation.TextMapCarrier) {
	carrier.Set("SHOUT", strings.Repeat("x", 20<<10))
}

// Events of the user and of outer middleware are not changed.
func TestSentEventsAreCopies(t *testing.T) {
	t.Parallel()
	on := newTelemetry()
	s := &site{spans: on.spans, sent: &events{}}
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true, BaseURL: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: s.sent},
	})
	require.NoError(t, err)
	s.app = app
	app.Use(inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
		return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
			ids, err := next(ctx, events)
			for _, event := range events {
				require.Equal(t, `{"a":1}`, string(event.Data))
			}
			return ids, err
		}
	}})
	require.NoError(t, inngestotel.Install(app, inngestotel.WithTracerProvider(on.traces)))
	data := json.RawMessage(`{"a":1}`)
	event := inngestkit.RawEvent{Name: "any.shape", Data: data}
	events := []inngestkit.AnyEvent{event, event}
	_, err = s.app.Send(t.Context(), events...)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(data))
	require.Equal(t, []inngestkit.AnyEvent{event, event}, events)
	require.Equal(t, s.sent.of(t, 0).Data, s.sent.of(t, 1).Data)
	require.Contains(t, string(s.sent.of(t, 0).Data), "traceContext")
}

func withBaggage(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	bag, err := baggage.Parse("tenant=t1")
	require.NoError(t, err)
	return baggage.ContextWithBaggage(ctx, bag)
}

// Baggage is carried only on request, whatever the propagator would do.
func TestBaggage(t *testing.T) {
	t.Parallel()
	both := inngestotel.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	for name, tc := range map[string]struct {
		options []inngestotel.Option
		carried bool
	}{
		"by default":                 {},
		"opted in":                   {[]inngestotel.Option{inngestotel.WithBaggage()}, true},
		"with a propagator of both":  {[]inngestotel.Option{both}, false},
		"opted in, with one of both": {[]inngestotel.Option{inngestotel.WithBaggage(), both}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			s := newSite(t, tc.options, onPlaced(func(ctx context.Context, _ input) (any, error) {
				got = baggage.FromContext(ctx).String()
				return "ok", nil
			}))
			_, err := s.app.Send(withBaggage(t.Context(), t), placed.New(order{ID: "o1"}))
			require.NoError(t, err)
			carrier, _ := s.sent.data()[0]["traceContext"].(map[string]any)
			require.NotEmpty(t, carrier["traceparent"])
			s.call(t.Context(), t, "fulfil", run{events: []string{
				event("ev1", `{"traceContext":{"traceparent":"`+traceparent+`","baggage":"tenant=t2"}}`),
			}})
			if tc.carried {
				require.Equal(t, "tenant=t1", carrier["baggage"])
				require.Equal(t, "tenant=t2", got)
				return
			}
			require.NotContains(t, carrier, "baggage")
			require.Empty(t, got)
		})
	}
}

// The baggage that arrives with a call is not changed.
func TestBaggageOfTheCaller(t *testing.T) {
	t.Parallel()
	got := ""
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		got = baggage.FromContext(ctx).String()
		return "ok", nil
	}))
	s.call(withBaggage(t.Context(), t), t, "fulfil", run{events: []string{
		event("ev1", `{"traceContext":{"traceparent":"`+traceparent+`","baggage":"tenant=t2"}}`),
	}})
	require.Equal(t, "tenant=t1", got)
}

// The trace of a run is that of its event, or its own.
func TestTraceOfARun(t *testing.T) {
	t.Parallel()
	own := hex.EncodeToString(ulidBytes(t, runID))
	carrying := func(id, parent string) string {
		return event(id, `{"id":"o1","traceContext":{"traceparent":"`+parent+`","tracestate":"v=1"}}`)
	}
	failed := func(name, inner string) string {
		return `{"id":"ev9","name":"` + name + `","data":{"run_id":"01K9ZKQ7R3V7M2S0T5N8XW4FFF",` + inner + `},"ts":1}`
	}
	failedTrace := hex.EncodeToString(ulidBytes(t, "01K9ZKQ7R3V7M2S0T5N8XW4FFF"))
	eventLink, otherLink := eventTrace+" ev1", otherTrace+" ev2"
	for name, tc := range map[string]struct {
		id            string
		events        []string
		options       []inngestotel.Option
		trace, parent string
		links         []string
	}{
		"an event with a trace":                      {events: []string{carrying("ev1", traceparent)}, trace: eventTrace, parent: eventSpan, links: []string{eventLink}},
		"an event without a trace":                   {events: []string{event("ev1", `{"id":"o1"}`)}, trace: own},
		"an event with an invalid trace":             {events: []string{carrying("ev1", "00-nonsense-01")}, trace: own},
		"a field that is not an object":              {events: []string{event("ev1", `{"traceContext":"`+traceparent+`"}`)}, trace: own},
		"a field of other types":                     {events: []string{event("ev1", `{"traceContext":{"traceparent":[1]}}`)}, trace: own},
		"an enormous field":                          {events: []string{event("ev1", `{"traceContext":{"traceparent":"`+traceparent+`","x":"`+strings.Repeat("x", 20<<10)+`"}}`)}, trace: own},
		"no data":                                    {events: []string{event("ev1", `null`)}, trace: own},
		"another field":                              {events: []string{event("ev1", `{"otel":{"traceparent":"`+traceparent+`"}}`)}, options: []inngestotel.Option{inngestotel.WithField("otel")}, trace: eventTrace, parent: eventSpan, links: []string{eventLink}},
		"switched off, nameless":                     {events: []string{event("ev1", `{"":{"traceparent":"`+traceparent+`"}}`)}, options: []inngestotel.Option{inngestotel.WithField("")}, trace: own},
		"switched off":                               {events: []string{carrying("ev1", traceparent)}, options: []inngestotel.Option{inngestotel.WithField("")}, trace: own},
		"another format":                             {events: []string{event("ev1", `{"traceContext":{"SHOUT":"`+traceparent+`"}}`)}, options: []inngestotel.Option{inngestotel.WithPropagators(shout{})}, trace: eventTrace, parent: eventSpan, links: []string{eventLink}},
		"a batch":                                    {events: []string{carrying("ev1", traceparent), carrying("ev2", otherParent)}, trace: own, links: []string{eventLink, otherLink}},
		"a batch of one trace":                       {events: []string{carrying("ev1", traceparent), carrying("ev2", traceparent)}, trace: own, links: []string{eventLink, eventTrace + " ev2"}},
		"a batch, half with a trace":                 {events: []string{event("ev1", `{}`), carrying("ev2", otherParent)}, trace: own, links: []string{otherLink}},
		"a run ID that is not a ULID":                {id: "run-1", events: []string{event("ev1", `{}`)}, trace: ""},
		"a run ID that would be an invalid trace ID": {id: "00000000000000000000000000", events: []string{event("ev1", `{}`)}, trace: ""},
		"a failed run":                               {events: []string{failed("inngest/function.failed", `"event":`+carrying("ev1", traceparent)+`,"events":[`+carrying("ev1", traceparent)+`]`)}, trace: eventTrace, parent: eventSpan, links: []string{eventLink}},
		"a failed run of an event with a trace":      {events: []string{failed("inngest/function.failed", `"event":`+carrying("ev1", traceparent))}, trace: eventTrace, parent: eventSpan, links: []string{eventLink}},
		"a failed run of an event without a trace":   {events: []string{failed("inngest/function.failed", `"event":`+event("ev1", `{}`))}, trace: failedTrace},
		"a failed batch":                             {events: []string{failed("inngest/function.failed", `"events":[`+carrying("ev1", traceparent)+`,`+carrying("ev2", otherParent)+`]`)}, trace: failedTrace, links: []string{eventLink, otherLink}},
		"a cancelled run":                            {events: []string{failed("inngest/function.cancelled", `"event":`+event("ev1", `{}`))}, trace: failedTrace},
		"a finished run":                             {events: []string{failed("inngest/function.finished", `"event":`+event("ev1", `{}`))}, trace: failedTrace},
		"an ordinary event like a failed run":        {events: []string{failed("order.placed", `"event":`+carrying("ev1", traceparent))}, trace: own},
		"an event about a run without an ID":         {events: []string{`{"name":"inngest/function.failed","data":{"event":` + carrying("ev1", traceparent) + `},"ts":1}`}, trace: own},
		"an event about an unknown run":              {events: []string{`{"name":"inngest/function.failed","data":{"run_id":7},"ts":1}`}, trace: own},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.options, inngestkit.OnEvent("fulfil", shaped, func(context.Context, inngestkit.Input[anything]) (any, error) {
				return "ok", nil
			}))
			for range 2 { // two calls of a run
				resp := s.call(t.Context(), t, "fulfil", run{id: tc.id, events: tc.events})
				require.Equal(t, 200, resp.Status, "%s", resp.Body)
			}
			spans := s.spans.GetSpans()
			require.Len(t, spans, 2)
			require.Equal(t, spans[0].SpanContext.TraceID(), spans[1].SpanContext.TraceID())
			require.NotEqual(t, spans[0].SpanContext.SpanID(), spans[1].SpanContext.SpanID())
			span := spans[0]
			require.True(t, span.SpanContext.IsSampled())
			if tc.trace == "" { // derived from the run ID
				tc.trace = span.SpanContext.TraceID().String()
				require.NotEqual(t, own, tc.trace)
			}
			require.Equal(t, tc.trace, span.SpanContext.TraceID().String())
			require.Equal(t, tc.parent != "", span.Parent.IsValid())
			if tc.parent != "" {
				require.Equal(t, tc.parent, span.Parent.SpanID().String())
				require.Equal(t, tc.trace, span.Parent.TraceID().String())
				require.True(t, span.Parent.IsRemote())
			} else {
				require.False(t, span.Parent.HasSpanID(), "the span is a root")
			}
			require.Equal(t, tc.links, linksOf(span))
		})
	}
}

// Runs without an ID do not all share one trace.
func TestRunsWithoutAnID(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	for range 2 {
		request := callOf(t, "fulfil", run{id: "unnamed"})
		body, err := io.ReadAll(request.Body)
		require.NoError(t, err)
		request.Body = strings.NewReader(strings.Replace(string(body), "unnamed", "", 1))
		request.ContentLength -= int64(len("unnamed"))
		require.Equal(t, 200, s.app.Do(t.Context(), request).Status)
	}
	spans := s.spans.GetSpans()
	require.NotEqual(t, spans[0].SpanContext.TraceID(), spans[1].SpanContext.TraceID())
}

// A chain of runs about runs is followed up to a limit.
func TestRunsAboutRuns(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]bool{3: true, 8: true, 9: false, 500: false} {
		nested := event("ev1", `{"traceContext":{"traceparent":"`+traceparent+`"}}`)
		for range depth {
			nested = `{"name":"inngest/function.failed","data":{"run_id":"x","event":` + nested + `},"ts":1}`
		}
		s := newSite(t, nil, inngestkit.OnEvent("fulfil", shaped, func(context.Context, inngestkit.Input[anything]) (any, error) {
			return "ok", nil
		}))
		s.call(t.Context(), t, "fulfil", run{events: []string{nested}})
		require.Equal(t, want, s.named(t, "process fulfil").SpanContext.TraceID().String() == eventTrace, depth)
	}
}

// linksOf returns the trace and the message of each link.
func linksOf(span tracetest.SpanStub) []string {
	var links []string
	for _, link := range span.Links {
		id := attributes(tracetest.SpanStub{Attributes: link.Attributes})["messaging.message.id"]
		links = append(links, fmt.Sprintf("%s %v", link.SpanContext.TraceID(), id))
	}
	return links
}

func ulidBytes(t *testing.T, id string) []byte {
	t.Helper()
	parsed, err := ulid.ParseStrict(id)
	require.NoError(t, err)
	return parsed.Bytes()
}

// A span in the context of a call, such as an HTTP server's, and the call's span link to each
// other. It is not the parent, and does not stay in the context.
func TestSpanInTheContextOfACall(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return "ok", nil }))
	ctx, server := s.traces.Tracer("http").Start(t.Context(), "POST /api/inngest", trace.WithSpanKind(trace.SpanKindServer))
	s.call(ctx, t, "fulfil", run{})
	server.End()
	process, post := s.named(t, "process fulfil"), s.named(t, "POST /api/inngest")
	require.Equal(t, hex.EncodeToString(ulidBytes(t, runID)), process.SpanContext.TraceID().String())
	require.False(t, process.Parent.IsValid())
	require.Equal(t, []string{post.SpanContext.TraceID().String() + " <nil>"}, linksOf(process))
	require.Equal(t, []string{process.SpanContext.TraceID().String() + " <nil>"}, linksOf(post))
}

// Invoked functions are in the trace of the call that invokes them.
func TestInvokedFunctionsAreInTheTrace(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Invoke(ctx, "bill", inngestkit.Ref[anything, string]{FunctionID: "bill"}, anything{"a": 1})
	}))
	resp := s.call(t.Context(), t, "fulfil", run{})
	require.Equal(t, 206, resp.Status)
	process := s.named(t, "process fulfil").SpanContext
	require.Contains(t, string(resp.Body), fmt.Sprintf(
		`"data":{"a":1,"traceContext":{"traceparent":"00-%s-%s-01"}}`, process.TraceID(), process.SpanID()))

	s = newSite(t, []inngestotel.Option{inngestotel.WithField("")}, onPlaced(func(ctx context.Context, _ input) (any, error) {
		return step.Invoke(ctx, "bill", inngestkit.Ref[anything, string]{FunctionID: "bill"}, anything{"a": 1})
	}))
	require.NotContains(t, string(s.call(t.Context(), t, "fulfil", run{}).Body), "traceContext")
}

// Options that cannot work are refused, all at once, and nothing is installed.
func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	err = inngestotel.Install(app, nil,
		inngestotel.WithField("_inngest"), inngestotel.WithField("\xff"), inngestotel.WithEventData(0), inngestotel.WithStepData(-1),
		inngestotel.WithAttributes(attribute.KeyValue{}))
	for _, want := range []string{
		`inngestotel: WithField("_inngest"): the server deletes this field of events; use another name, or omit the option to use "traceContext"`,
		`inngestotel: WithField("\xff"): the name must be valid UTF-8`,
		`inngestotel: WithEventData(0): the limit is in bytes and must be at least 4; omit the option to record nothing`,
		`inngestotel: WithStepData(-1): the limit is in bytes and must be at least 4`,
		`inngestotel: WithAttributes: the attribute "" has no key or no value`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.EqualError(t, inngestotel.Install(nil), "inngestotel: install: the app is nil")
	require.NoError(t, inngestotel.Install(app, nil, inngestotel.WithTracerProvider(nil), inngestotel.WithMeterProvider(nil),
		inngestotel.WithPropagators(nil), inngestotel.WithFilter(nil), inngestotel.WithRedaction(nil)))
	require.EqualError(t, inngestotel.Install(app),
		"inngestotel: install: the app already has telemetry; a second Install would count everything twice")
}
