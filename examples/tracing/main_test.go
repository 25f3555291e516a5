package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/tracing/internal/demo"
)

const lastLine = "Ctrl-C stops everything."

// Everything that one order starts is in one trace, and the program checks that.
func TestProgram(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	p := start(t, observed(service("orders", newOrders), exporter), observed(service("shipping", newShipping), exporter))
	p.await(t, lastLine, 1)
	t.Log(p.out.String())
	requireOneTrace(t, exporter.GetSpans())
	requireLinks(t, exporter.GetSpans())
	requireErrors(t, exporter.GetSpans())
	requireTree(t, p.out.String())
	requireLogLines(t, p.out.String())
	require.Contains(t, p.out.String(), "checked: both functions are completed")

	for service, function := range map[string]string{"orders": "fulfil-order", "shipping": "ship-order"} {
		metrics := get(t, p.url(t, service)+"/metrics", nil)
		for _, line := range []string{
			`inngest_function_executions_total\{inngest_outcome="completed",messaging_consumer_group_name="` + function + `",[^}]*\} 1`,
			`inngest_function_active\{messaging_consumer_group_name="` + function + `",[^}]*\} 0`,
			`messaging_process_duration_seconds_count\{`, `inngest_step_duration_seconds_count\{`,
			`target_info\{[^}]*service_name="` + service + `"`,
		} {
			require.True(t, regexp.MustCompile("(?m)^"+line).MatchString(metrics), "%s serves no %s", service, line)
		}
		// A Prometheus that accepts names with dots gets the same ones.
		metrics = get(t, p.url(t, service)+"/metrics", http.Header{"Accept": {"text/plain;version=1.0.0;escaping=allow-utf-8"}})
		require.NotZero(t, strings.Count(metrics, "\ninngest_function_executions_total{"), service)
	}

	// Later orders have their own traces.
	post(t, p.url(t, "orders")+"/orders", `{"item":"kettle","cents":100}`, http.StatusAccepted)
	p.await(t, "the courier has the parcel", 2)
	require.Regexp(t, `(?s)`+lastLine+`\n\ntrace \w{32}: 18 spans of orders and shipping\n`, p.out.String())
	p.stop()
	require.Equal(t, 130, <-p.status)
	require.Contains(t, p.out.String(), "interrupted; everything is stopped")
}

// forgetful sends events that have lost their trace.
func forgetful(app *inngestkit.App, t *telemetry) (server, error) {
	app.Use(inngestkit.Middleware{Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
		return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
			for i := range events {
				var order Order
				if err := json.Unmarshal(events[i].Data, &order); err != nil {
					return nil, err
				}
				events[i].Data, _ = json.Marshal(order)
			}
			return next(ctx, events)
		}
	}})
	return newOrders(app, t)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		orders, shipping demo.Service
		want             string
	}{
		"error": {
			service("orders", newOrders),
			func(context.Context, demo.Env) error { return errors.New("out of order") },
			"failed: service shipping: out of order",
		},
		"early end": {
			service("orders", newOrders),
			func(context.Context, demo.Env) error { return nil },
			"failed: service shipping: it ended by itself",
		},
		"cannot be built": {
			service("orders", func(*inngestkit.App, *telemetry) (server, error) { return nil, errors.New("out of order") }),
			service("shipping", newShipping),
			"failed: service orders: out of order",
		},
		"not one trace": {
			service("orders", forgetful), service("shipping", newShipping),
			"one order should be one trace, but sends, functions and steps are in 3: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out := run(t.Context(), test.orders, test.shipping)
			require.Equal(t, 1, status, out)
			require.Contains(t, out, test.want)
			require.Contains(t, out, "logged by the Inngest server")
		})
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	status, out := run(t.Context(), nil, nil, "-h")
	require.Zero(t, status)
	require.Contains(t, out, "-keep")

	status, out = run(t.Context(), nil, nil, "-nonsense")
	require.Equal(t, 2, status)
	require.Contains(t, out, "-nonsense")

	status, out = run(t.Context(), nil, nil, "nonsense")
	require.Equal(t, 2, status)
	require.Contains(t, out, `"nonsense"`)
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	status, out := run(ctx, service("orders", newOrders), service("shipping", newShipping))
	require.Equal(t, 130, status)
	require.Contains(t, out, "interrupted")
}

// Logs are for failures: Ctrl-C shows none.
func TestContextEndsWithoutLogs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	interrupt := func(context.Context, demo.Env) error {
		cancel()
		return nil
	}
	status, out := run(ctx, interrupt, service("shipping", newShipping))
	require.Equal(t, 130, status)
	require.Contains(t, out, "interrupted")
	require.NotContains(t, out, "logged by")
}
