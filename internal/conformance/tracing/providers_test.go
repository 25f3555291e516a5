package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// through runs a function, a step and a send on an app, and returns its site.
func through(t *testing.T, options ...inngestotel.Option) *site {
	t.Helper()
	s := &site{sent: &events{}}
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true, BaseURL: "http://127.0.0.1:1",
		HTTPClient: &http.Client{Transport: s.sent}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	s.app = app
	require.NoError(t, inngestotel.Install(app, options...))
	require.NoError(t, app.Register(onPlaced(func(ctx context.Context, _ input) (any, error) {
		trace.SpanFromContext(ctx).AddEvent("it works")
		return step.SendEvent(ctx, "ship", shaped.New(anything{"a": 1}))
	}), inngestkit.OnEvent("bill", placed, func(context.Context, input) (any, error) { return nil, errors.New("boom") })))
	s.runAll(t)
	return s
}

func (s *site) runAll(t *testing.T) {
	t.Helper()
	carrying := event("ev1", `{"id":"o1","traceContext":{"traceparent":"`+traceparent+`"}}`)
	require.Equal(t, 206, s.call(t.Context(), t, "fulfil", run{events: []string{carrying}}).Status)
	require.Equal(t, 206, s.call(t.Context(), t, "fulfil", run{}).Status)
	require.Equal(t, 500, s.call(t.Context(), t, "bill", run{}).Status)
	require.Len(t, s.sent.data(), 2)
	s.sent.mu.Lock()
	defer s.sent.mu.Unlock()
	s.sent.sent, s.sent.raw = nil, s.sent.raw[len(s.sent.raw)-2:]
}

// Without an SDK nothing is recorded, and the context of an event is passed on to the events
// that its run sends.
func TestWithoutAnSDK(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]inngestotel.Option{
		"noop": {inngestotel.WithTracerProvider(noop.NewTracerProvider()), inngestotel.WithMeterProvider(metricnoop.NewMeterProvider())},
		"nil":  {inngestotel.WithTracerProvider(nil), inngestotel.WithMeterProvider(nil)},
		"none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := through(t, options...)
			require.Contains(t, string(s.sent.of(t, 0).Data), eventTrace)
			require.NotContains(t, string(s.sent.of(t, 1).Data), "traceContext", "a trace context without a span")
		})
	}
}

// After its provider has shut down, an app continues to work.
func TestProvidersThatAreShutDown(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	reader := sdkmetric.NewManualReader()
	metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	s := through(t, inngestotel.WithTracerProvider(traces), inngestotel.WithMeterProvider(metrics))
	require.NoError(t, traces.ForceFlush(t.Context()))
	require.NotEmpty(t, spans.GetSpans())
	require.NoError(t, traces.Shutdown(t.Context()))
	require.NoError(t, metrics.Shutdown(t.Context()))
	s.runAll(t)
	// So does an app that is installed then.
	through(t, inngestotel.WithTracerProvider(traces), inngestotel.WithMeterProvider(metrics))
	require.Empty(t, spans.GetSpans())
}

// The provider may be set after Install, as in programs that start telemetry last. Globals
// belong to the process, so the test runs in its own.
func TestGlobalProviders(t *testing.T) {
	t.Parallel()
	const inside = "INNGESTKIT_TEST_GLOBAL_PROVIDERS"
	if os.Getenv(inside) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestGlobalProviders$", "-test.v")
		cmd.Env = append(os.Environ(), inside+"=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: TestGlobalProviders")
		return
	}
	s := through(t)
	on := newTelemetry()
	reader := sdkmetric.NewManualReader()
	otel.SetTracerProvider(on.traces)
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	s.spans, s.metrics = on.spans, reader
	s.runAll(t)
	require.Len(t, s.spans.GetSpans(), 7)
	require.Contains(t, s.collected(t), "inngest.function.executions")
}

// refusing is a meter provider that refuses instruments.
type refusing struct{ metric.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter {
	return refusingMeter{metricnoop.NewMeterProvider().Meter("")}
}

type refusingMeter struct{ metric.Meter }

func (refusingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("too many instruments")
}

func TestProviderThatRefusesInstruments(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	err = inngestotel.Install(app, inngestotel.WithMeterProvider(refusing{metricnoop.NewMeterProvider()}))
	require.ErrorContains(t, err, "inngestotel: install: the meter provider rejected an instrument: too many instruments")
}

// Lines that functions log have the IDs of the span they are logged in; so have the app's own
// lines about failures.
func TestLogs(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, _ input) (any, error) {
		inngestkit.Logger(ctx).Info("in the function")
		inngestkit.Logger(ctx).With("a", 1).WithGroup("g").Info("in a group", "b", 2)
		if _, err := step.Run(ctx, "kept", func(context.Context) (int, error) { return 0, nil }); err != nil {
			return nil, err
		}
		return step.Run(ctx, "ship", func(ctx context.Context) (int, error) {
			inngestkit.Logger(ctx).Info("in the step")
			inngestkit.Logger(ctx).InfoContext(ctx, "in the step, with its context")
			return 0, errors.New("no ship")
		})
	}), inngestkit.OnEvent("bill", placed, func(context.Context, input) (any, error) { return nil, errors.New("boom") }),
		inngestkit.OnEvent("crash", placed, func(context.Context, input) (any, error) { panic("crashed") }))
	s.call(t.Context(), t, "fulfil", run{})
	s.call(t.Context(), t, "fulfil", run{}.kept("kept", 1))
	s.call(t.Context(), t, "bill", run{})
	s.call(t.Context(), t, "crash", run{})
	s.app.Do(t.Context(), &adapter.Request{Method: http.MethodDelete, Header: http.Header{}})

	spans := map[string]string{}
	for _, span := range s.spans.GetSpans() {
		name := span.Name
		if _, again := spans[name]; again {
			name += " again"
		}
		spans[name] = "trace_id=" + span.SpanContext.TraceID().String() + " span_id=" + span.SpanContext.SpanID().String() + " trace_flags=01"
	}
	for line, span := range map[string]string{
		`msg="in the function" function=fulfil run_id=` + runID + ` attempt=0 `:               "process fulfil",
		`msg="in the step" function=fulfil run_id=` + runID + ` attempt=0 `:                   "step ship",
		`msg="in the step, with its context" function=fulfil run_id=` + runID + ` attempt=0 `: "step ship",
		`step=ship error="no ship" `:                                           "step ship",
		`msg="inngest: function failed" function=bill `:                        "process bill",
		`msg="inngest: function crash panicked" function=crash `:               "process crash",
		`msg="inngest: function failed" function=crash `:                       "process crash",
		`msg="in a group" function=fulfil run_id=` + runID + ` attempt=0 a=1 `: "process fulfil",
	} {
		require.Regexp(t, `(?m)^.*`+line+`.*`+spans[span]+`.*$`, s.log.String(), line)
	}
	require.Contains(t, s.log.String(), "trace_flags=01 g.b=2")
}
