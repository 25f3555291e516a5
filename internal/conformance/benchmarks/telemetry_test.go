package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// BenchmarkTelemetry measures what contrib/otel costs: the same call, or the same send, in turn by
// apps with the kinds of telemetry below. Allocations are per call, including the exporter's.
func BenchmarkTelemetry(b *testing.B) {
	for _, size := range eventSizes {
		for _, carried := range []bool{false, true} {
			b.Run(fmt.Sprintf("event=%dKiB/traceContext=%t", size>>10, carried), func(b *testing.B) {
				data := telemetryData{benchData: itemsOf(size)}
				if carried {
					data.TraceContext = map[string]string{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
				}
				callTelemetries(b, done, callerOf(b, callBody(b, data, 0), http.StatusOK, `"done"`))
			})
		}
	}
	b.Run("steps=1/kept=0", func(b *testing.B) {
		call := callerOf(b, callBody(b, itemsOf(1<<10), 0), http.StatusPartialContent, "[{")
		callTelemetries(b, stepsThenDone(1), call)
	})
	const steps = 100
	b.Run(fmt.Sprintf("steps=%d/kept=%[1]d", steps), func(b *testing.B) {
		call := callerOf(b, callBody(b, itemsOf(1<<10), steps), http.StatusOK, `"done"`)
		callTelemetries(b, stepsThenDone(steps), call)
	})
	for _, events := range []int{1, 100} {
		b.Run(fmt.Sprintf("send=%d", events), func(b *testing.B) { sendTelemetries(b, events) })
	}
}

// telemetryData is data as inngestotel writes it into events.
type telemetryData struct {
	benchData

	TraceContext map[string]string `json:"traceContext,omitempty"`
}

// plugin is something that may be installed on an app.
type plugin struct {
	name    string
	install func(b *testing.B, app *inngestkit.App) error
}

var telemetries = []plugin{
	{"without", func(*testing.B, *inngestkit.App) error { return nil }},
	{"no-SDK", func(_ *testing.B, app *inngestkit.App) error { return inngestotel.Install(app) }},
	{"SDK", func(b *testing.B, app *inngestkit.App) error { return installSDK(b, app) }},
	{"batch", func(b *testing.B, app *inngestkit.App) error {
		return installSDK(b, app, sdktrace.WithBatcher(dropSpans{}))
	}},
}

// installSDK installs telemetry that samples everything. Metrics are collected only on request,
// and nothing requests them here.
func installSDK(b *testing.B, app *inngestkit.App, options ...sdktrace.TracerProviderOption) error {
	b.Helper()
	traces := sdktrace.NewTracerProvider(options...)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		require.NoError(b, traces.Shutdown(ctx))
		require.NoError(b, meters.Shutdown(ctx))
	})
	return inngestotel.Install(app, inngestotel.WithTracerProvider(traces), inngestotel.WithMeterProvider(meters))
}

// dropSpans is an exporter without any cost.
type dropSpans struct{}

func (dropSpans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }

func (dropSpans) Shutdown(context.Context) error { return nil }

// callTelemetries calls a function on Gin with each kind of telemetry.
func callTelemetries(b *testing.B, function benchHandler, call func(http.Handler)) {
	b.Helper()
	callPlugins(b, telemetries, function, call)
}

// callPlugins calls a function on Gin with each of the plugins.
func callPlugins(b *testing.B, plugins []plugin, function benchHandler, call func(http.Handler)) {
	b.Helper()
	comparePlugins(b, plugins, nil, func(app *inngestkit.App) func() {
		err := app.Register(inngestkit.OnEvent(functionName(0), inngestkit.DefineEvent[benchData]("bench"), function))
		require.NoError(b, err)
		r := gin.New()
		inngestgin.Mount(r, app)
		return func() { call(r) }
	})
}

// sendTelemetries sends this number of events of 1 KiB in one request with each kind of
// telemetry.
func sendTelemetries(b *testing.B, events int) {
	b.Helper()
	all, ids := make([]inngestkit.AnyEvent, events), make([]string, events)
	for i := range all {
		all[i] = inngestkit.DefineEvent[benchData]("bench").New(itemsOf(1 << 10))
		ids[i] = fmt.Sprintf("01J00000000000000000%06d", i)
	}
	answer, err := json.Marshal(map[string]any{"ids": ids, "status": http.StatusOK})
	require.NoError(b, err)
	comparePlugins(b, telemetries, eventAPI(answer), func(app *inngestkit.App) func() {
		return func() {
			if sent, err := app.Send(b.Context(), all...); err != nil || len(sent) != events {
				b.Fatal(sent, err)
			}
		}
	})
}

// eventAPI is the event API; its value is the response to each request.
type eventAPI []byte

// RoundTrip implements http.RoundTripper.
func (a eventAPI) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Body: io.NopCloser(bytes.NewReader(a)), ContentLength: int64(len(a)),
	}, req.Body.Close()
}

// comparePlugins reports the cost of calling the function that use returns for an app, with each
// of the plugins.
func comparePlugins(b *testing.B, plugins []plugin, api http.RoundTripper, use func(app *inngestkit.App) func()) {
	b.Helper()
	names, calls := make([]string, len(plugins)), make([]func(), len(plugins))
	for i, plugin := range plugins {
		app, err := inngestkit.New(inngestkit.Config{
			AppID: benchAppID, SigningKey: benchKey, EventKey: "event-key", Logger: benchLogger(),
			HTTPClient: &http.Client{Transport: api},
		})
		require.NoError(b, err)
		require.NoError(b, plugin.install(b, app))
		names[i], calls[i] = plugin.name, use(app)
	}
	inTurn(b, names, calls)
	if b.N == 1 { // -benchtime 1x only shows that it works, and should be fast
		return
	}
	const enough = 100
	for i, name := range names {
		b.ReportMetric(testing.AllocsPerRun(min(b.N, enough), calls[i]), "allocs/"+name)
	}
}
