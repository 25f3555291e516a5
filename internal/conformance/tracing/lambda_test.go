package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// flushing exports spans before the end of each invocation.
type flushing struct {
	lambda.Handler

	provider *sdktrace.TracerProvider
}

// Invoke implements lambda.Handler.
func (f flushing) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	defer func() { _ = f.provider.ForceFlush(ctx) }()
	return f.Handler.Invoke(ctx, payload)
}

// The span of a call has ended when Invoke returns, so a batch of spans can be exported before
// Lambda freezes the process.
func TestLambdaFlushesTelemetry(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(time.Hour)))
	defer func() { require.NoError(t, provider.Shutdown(t.Context())) }()
	app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, inngestotel.Install(app, inngestotel.WithTracerProvider(provider)))
	require.NoError(t, app.Register(inngestkit.OnCron("daily", "0 9 * * *",
		func(context.Context, inngestkit.CronInput) (string, error) { return "done", nil })))
	for _, tc := range []struct {
		handler lambda.Handler
		spans   int
	}{
		{inngestlambda.Handler(app), 0},
		{flushing{inngestlambda.Handler(app), provider}, 2}, // with that of the first call
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/inngest?fnId=shop-daily&stepId=step",
			strings.NewReader(`{"event":{"name":"inngest/scheduled.timer","data":{}},"ctx":{"run_id":"1"},"steps":{}}`))
		(&lambdatest.Gateway{Handler: tc.handler}).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		require.Len(t, exporter.GetSpans(), tc.spans)
	}
}
