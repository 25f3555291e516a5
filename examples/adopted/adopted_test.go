package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp has one for the whole process, which updates the time for the Date header.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Each fasthttp server has one that checks only every ten seconds whether to end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// newTestOptions returns options for an app of a test, and its spans.
func newTestOptions(t *testing.T, warehouse *Warehouse) (options, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { require.NoError(t, traces.Shutdown(context.Background())) })
	return options{
		client:    clientOptions("http://127.0.0.1:8288", slog.New(slog.NewTextHandler(t.Output(), nil))),
		configure: func(*inngestkit.Config) {},
		traces:    traces,
		warehouse: warehouse,
	}, spans
}

// serveThrough serves the app through its Fiber router, in virtual time.
func serveThrough(e *inngesttest.Engine, router *fiber.App, app *inngestkit.App) {
	outer := fiber.New()
	outer.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(inngesttest.ContextOf(c.Get("X-Inngesttest-Call")))
		return c.Next()
	})
	outer.Mount("/", router)
	e.Serve(app, inngesttest.ThroughFunc(func(r *http.Request) (*http.Response, error) { return outer.Test(r, -1) }, "/api/inngest"))
}

// One order passes functions of both kinds, by invoke in both directions and by an event.
// Middleware and spans cover them all, and the event stays in the trace of the order.
func TestBothKinds(t *testing.T) {
	t.Parallel()
	o, spans := newTestOptions(t, &Warehouse{})
	app, err := newApp(o)
	require.NoError(t, err)
	require.Equal(t, []string{"format-receipt", "fulfil-order", "charge-card", "notify-customer"}, app.FunctionIDs())
	// The checks see only the steps of inngestkit, and one of these comes after the SDK's.
	e := inngesttest.Virtual(t, inngesttest.Nondeterministic(movedFulfil(o.warehouse), "it mixes steps of both kinds"))
	serveThrough(e, newRouter(app), app)
	e.Send(orderPlaced.New(Order{OrderID: "o1", Cents: 4900}))
	e.Drain()
	require.Empty(t, e.Failed())
	outputs := map[string]string{}
	for _, run := range e.Runs(nil) {
		outputs[run.Function()] = string(run.OutputJSON())
	}
	require.Equal(t, map[string]string{
		"shop-fulfil-order":    `{"payment":"payment-of-o1","shelf":"shelf-1"}`,
		"shop-charge-card":     `"payment-of-o1"`,
		"shop-notify-customer": `"mailed o1: 49.00"`,
		"shop-format-receipt":  `{"text":"o1: 49.00"}`,
	}, outputs)

	traceOf := map[string]string{}
	for _, span := range spans.GetSpans() {
		traceOf[span.Name] = span.SpanContext.TraceID().String()
	}
	for _, name := range []string{"process fulfil-order", "step announce", "process notify-customer", "process format-receipt"} {
		require.Equal(t, traceOf["send shop/order.placed"], traceOf[name], name)
	}
	require.NotEmpty(t, traceOf["process charge-card"])
	require.NotEqual(t, traceOf["send shop/order.placed"], traceOf["process charge-card"], "README: it was invoked by the SDK")
	require.NotContains(t, traceOf, "step reserve", "README: steps of the SDK have no span")
}

// A run that begins in the old code ends in the new code, and the other way round, and no step
// runs twice.
func TestRunInFlightMoves(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]bool{"there": false, "and back": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			warehouse := &Warehouse{}
			o, _ := newTestOptions(t, warehouse)
			from, err := newApp(o)
			require.NoError(t, err)
			to, err := newMovedApp(inngestkit.Config{AppID: appID, Dev: true, Logger: o.client.Logger}, o)
			require.NoError(t, err)
			if back {
				from, to = to, from
			}
			fulfil := movedFulfil(warehouse)
			e := inngesttest.Virtual(t, inngesttest.Nondeterministic(fulfil, "it mixes steps of both kinds"))
			e.Serve(from)
			e.Send(orderPlaced.New(Order{OrderID: "o1", Cents: 4900}))
			run := e.Runs(fulfil)[0].Reach("charge")
			e.Settle()
			require.Contains(t, run.Waiting()[0], "packing")
			e.Serve(to) // the deployment
			e.Advance(time.Minute)
			require.JSONEq(t, `{"payment":"payment-of-o1","shelf":"shelf-1"}`, string(run.OutputJSON()))
			require.Equal(t, 1, warehouse.Reserved())
		})
	}
}
