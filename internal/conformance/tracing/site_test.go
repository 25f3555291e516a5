package tracing

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// order is the data of the events here.
type order struct {
	ID string `json:"id"`
}

var placed = inngestkit.DefineEvent[order]("order.placed")

type input = inngestkit.Input[order]

// runID is the run of all calls that name no other.
const runID = "01K9ZKQ7R3V7M2S0T5N8XW4EAB"

// A site is an app with telemetry, and what it has recorded.
type site struct {
	app     *inngestkit.App
	spans   *tracetest.InMemoryExporter
	traces  *sdktrace.TracerProvider
	metrics *sdkmetric.ManualReader
	log     *testsite.Log
	sent    *events
}

// telemetry has providers that keep what they record.
type telemetry struct {
	spans  *tracetest.InMemoryExporter
	traces *sdktrace.TracerProvider
}

func newTelemetry(options ...sdktrace.TracerProviderOption) telemetry {
	spans := tracetest.NewInMemoryExporter()
	return telemetry{spans, sdktrace.NewTracerProvider(append(options, sdktrace.WithSyncer(spans))...)}
}

// newSite returns an app with telemetry that sends its events to a server of the test.
func newSite(t *testing.T, options []inngestotel.Option, functions ...inngestkit.Function) *site {
	t.Helper()
	return newSiteOn(t, newTelemetry(), options, functions...)
}

func newSiteOn(t *testing.T, on telemetry, options []inngestotel.Option, functions ...inngestkit.Function) *site {
	t.Helper()
	reader := sdkmetric.NewManualReader()
	s := &site{spans: on.spans, traces: on.traces, metrics: reader, log: &testsite.Log{}, sent: &events{}}
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true, BaseURL: "http://127.0.0.1:1", HTTPClient: &http.Client{Transport: s.sent},
		Logger: slog.New(inngestotel.LogHandler(slog.NewTextHandler(s.log, nil))),
	})
	require.NoError(t, err)
	s.app = app
	require.NoError(t, inngestotel.Install(app, append([]inngestotel.Option{
		inngestotel.WithTracerProvider(on.traces),
		inngestotel.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
	}, options...)...))
	require.NoError(t, app.Register(functions...))
	return s
}

// onPlaced returns a function that orders trigger.
func onPlaced(handler func(ctx context.Context, in input) (any, error), options ...inngestkit.Option) inngestkit.Function {
	return inngestkit.OnEvent("fulfil", placed, handler, options...)
}

// A run is the state that the server sends with a call.
type run struct {
	id          string
	events      []string // as JSON
	steps       map[string]any
	attempt     int
	maxAttempts int
}

// event returns an event as the server sends it.
func event(id, data string) string {
	return `{"id":"` + id + `","name":"order.placed","data":` + data + `,"ts":1700000000000}`
}

// kept adds the memoized result of a step.
func (r run) kept(id string, value any) run {
	sum := sha1.Sum([]byte(id))
	steps := map[string]any{hex.EncodeToString(sum[:]): map[string]any{"data": value}}
	maps.Copy(steps, r.steps)
	r.steps = steps
	return r
}

func (r run) body(t *testing.T) []byte {
	t.Helper()
	if r.id == "" {
		r.id = runID
	}
	if r.events == nil {
		r.events = []string{event("ev1", `{"id":"o1"}`)}
	}
	if r.steps == nil {
		r.steps = map[string]any{}
	}
	if r.maxAttempts == 0 {
		r.maxAttempts = 4
	}
	body, err := json.Marshal(map[string]any{
		"event": json.RawMessage(r.events[0]), "events": json.RawMessage("[" + strings.Join(r.events, ",") + "]"),
		"steps": r.steps, "version": 1,
		"ctx": map[string]any{
			"run_id": r.id, "fn_id": "00000000-0000-0000-0000-000000000000", "attempt": r.attempt, "max_attempts": r.maxAttempts,
			"env": "staging", "stack": map[string]any{"stack": []string{}, "current": 0},
		},
	})
	require.NoError(t, err)
	return body
}

// call calls a function as the server does.
func (s *site) call(ctx context.Context, t *testing.T, functionID string, r run) *adapter.Response {
	t.Helper()
	return s.app.Do(ctx, callOf(t, functionID, r))
}

// callOf returns the request of a call.
func callOf(t *testing.T, functionID string, r run) *adapter.Request {
	t.Helper()
	body := r.body(t)
	return &adapter.Request{
		Method: http.MethodPost, Scheme: "http", Host: "localhost", Path: "/api/inngest",
		RawQuery: "fnId=shop-" + functionID + "&stepId=step",
		Header: http.Header{
			"Content-Type": {"application/json"}, "X-Request-Id": {"req-1"}, "X-Inngest-Job-Id": {"job-1"},
		},
		Body: strings.NewReader(string(body)), ContentLength: int64(len(body)),
	}
}

// named returns the only span of a name.
func (s *site) named(t *testing.T, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, span := range s.spans.GetSpans() {
		if span.Name == name {
			found = append(found, span)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

// attributes returns those of a span, by key.
func attributes(span tracetest.SpanStub) map[attribute.Key]any {
	all := map[attribute.Key]any{}
	for _, a := range span.Attributes {
		all[a.Key] = a.Value.AsInterface()
	}
	return all
}

// collected returns the current metrics, by name.
func (s *site) collected(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, s.metrics.Collect(context.WithoutCancel(t.Context()), &all))
	byName := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// events is the event API. It keeps what it gets.
type events struct {
	mu      sync.Mutex
	sent    []map[string]any
	raw     []string
	refused map[string]any // instead of the next response
	fail    error          // instead of all responses
}

// RoundTrip implements http.RoundTripper.
func (e *events) RoundTrip(req *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fail != nil {
		return nil, e.fail
	}
	if refused := e.refused; refused != nil {
		e.refused = nil
		return answer(req, refused["status"].(int), refused)
	}
	var sent []json.RawMessage
	if err := json.NewDecoder(req.Body).Decode(&sent); err != nil {
		return nil, err
	}
	ids := make([]string, len(sent))
	for i, raw := range sent {
		var one map[string]any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		e.sent, e.raw = append(e.sent, one), append(e.raw, string(raw))
		ids[i] = "sent-" + string(rune('0'+len(e.sent)))
	}
	return answer(req, http.StatusOK, map[string]any{"ids": ids, "status": http.StatusOK})
}

// refuse makes the next request fail.
func (e *events) refuse(status int, message string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = map[string]any{"status": status, "error": message}
}

func answer(req *http.Request, status int, body map[string]any) (*http.Response, error) {
	encoded, err := json.Marshal(body)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(string(encoded))),
	}, err
}

// data returns the data of the events that were sent.
func (e *events) data() []map[string]any {
	e.mu.Lock()
	defer e.mu.Unlock()
	var data []map[string]any
	for _, event := range e.sent {
		one, _ := event["data"].(map[string]any)
		data = append(data, one)
	}
	return data
}
