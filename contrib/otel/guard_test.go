package inngestotel

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// brokenTracers panics when a span starts or, if spans is true, creates spans that
// panic.
type brokenTracers struct {
	noop.TracerProvider

	spans bool
}

func (b brokenTracers) Tracer(string, ...trace.TracerOption) trace.Tracer {
	return brokenTracer{spans: b.spans}
}

type brokenTracer struct {
	noop.Tracer

	spans bool
}

func (b brokenTracer) Start(ctx context.Context, _ string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if !b.spans {
		panic("Start")
	}
	return ctx, brokenSpan{}
}

type brokenSpan struct{ noop.Span }

func (brokenSpan) IsRecording() bool                   { return true }
func (brokenSpan) SetAttributes(...attribute.KeyValue) { panic("SetAttributes") }
func (brokenSpan) End(...trace.SpanEndOption)          { panic("End") }

type brokenMeters struct{ metricnoop.MeterProvider }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

type brokenMeter struct{ metricnoop.Meter }

func (brokenMeter) Int64UpDownCounter(string, ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	return brokenGauge{}, nil
}

func (brokenMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return brokenHistogram{}, nil
}

type brokenGauge struct{ metricnoop.Int64UpDownCounter }

func (brokenGauge) Add(context.Context, int64, ...metric.AddOption) { panic("Add") }

type brokenHistogram struct{ metricnoop.Float64Histogram }

func (brokenHistogram) Record(context.Context, float64, ...metric.RecordOption) { panic("Record") }

type brokenPropagator struct{ propagation.TraceContext }

func (brokenPropagator) Inject(context.Context, propagation.TextMapCarrier) { panic("Inject") }

func (brokenPropagator) Extract(context.Context, propagation.TextMapCarrier) context.Context {
	panic("Extract")
}

// reports records the errors passed to OpenTelemetry's error handler.
type reports struct {
	mu  sync.Mutex
	all []string
}

func (r *reports) Handle(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err.Error())
}

// A panic anywhere in OpenTelemetry does not affect functions, steps and sends.
func TestOpenTelemetryThatPanics(t *testing.T) { //nolint:paralleltest // the error handler is global
	for name, option := range map[string]Option{ //nolint:paralleltest // see above
		"the tracer":     WithTracerProvider(brokenTracers{}),
		"spans":          WithTracerProvider(brokenTracers{spans: true}),
		"instruments":    WithMeterProvider(brokenMeters{}),
		"the propagator": WithPropagators(brokenPropagator{}),
	} {
		t.Run(name, func(t *testing.T) {
			reported := &reports{}
			otel.SetErrorHandler(reported)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"ids":["id1"],"status":200}`))
			}))
			defer server.Close()
			var log strings.Builder
			app, err := inngestkit.New(inngestkit.Config{
				AppID: "shop", Dev: true, BaseURL: server.URL, HTTPClient: server.Client(),
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			require.NoError(t, err)
			require.NoError(t, Install(app, option))
			event := inngestkit.DefineEvent[map[string]any]("order/placed")
			require.NoError(t, app.Register(inngestkit.OnEvent("fn", event,
				func(ctx context.Context, _ inngestkit.Input[map[string]any]) (any, error) {
					return step.Run(ctx, "a", func(context.Context) (string, error) { return "ran", nil })
				})))
			const data = `{"event":{"name":"order/placed","data":{"traceContext":{"traceparent":"x"}}},"ctx":{"run_id":"r"}}`
			for range 2 {
				resp := app.Do(t.Context(), &adapter.Request{
					Method: http.MethodPost, Path: app.Path(), RawQuery: "fnId=shop-fn&stepId=step", Body: strings.NewReader(data),
				})
				require.Equal(t, http.StatusPartialContent, resp.Status, "%s", resp.Body)
				require.Contains(t, string(resp.Body), `"data":"ran"`)
				ids, err := app.Send(t.Context(), event.New(nil))
				require.NoError(t, err)
				require.Equal(t, []string{"id1"}, ids)
			}
			require.Len(t, reported.all, 1)
			require.Contains(t, reported.all[0], "inngestotel: OpenTelemetry panicked, so spans or metrics are missing")
			require.Contains(t, reported.all[0], "guard_test.go", "the stack")
			require.NotContains(t, log.String(), "panicked")
		})
	}
}

type brokenDataError struct{}

func (brokenDataError) Error() string       { return "data" }
func (brokenDataError) WithoutData() string { panic("WithoutData") }

// The span of what failed must not look like that of a success.
func TestWithoutDataThatPanics(t *testing.T) {
	t.Parallel()
	require.Equal(t, "an error of type inngestotel.brokenDataError, whose WithoutData panics", message(brokenDataError{}))
}
