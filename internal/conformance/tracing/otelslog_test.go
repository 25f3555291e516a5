package tracing

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/log/logtest"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// The bridge to OpenTelemetry's logs gets the span of the code that logs.
func TestLogsThroughTheBridge(t *testing.T) {
	t.Parallel()
	recorder, on := logtest.NewRecorder(), newTelemetry()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", Dev: true, Logger: otelslog.NewLogger("shop", otelslog.WithLoggerProvider(recorder)),
	})
	require.NoError(t, err)
	require.NoError(t, inngestotel.Install(app, inngestotel.WithTracerProvider(on.traces)))
	require.NoError(t, app.Register(onPlaced(func(ctx context.Context, _ input) (any, error) {
		inngestkit.Logger(ctx).Info("in the function")
		return step.Run(ctx, "ship", func(ctx context.Context) (int, error) {
			inngestkit.Logger(ctx).Log(ctx, slog.LevelInfo, "in the step")
			return 1, nil
		})
	})))
	s := &site{app: app, spans: on.spans}
	s.call(t.Context(), t, "fulfil", run{})

	logged := map[string]trace.SpanContext{}
	for _, records := range recorder.Result() {
		for _, record := range records {
			logged[record.Body.AsString()] = trace.SpanContextFromContext(record.Context)
		}
	}
	require.Equal(t, map[string]trace.SpanContext{
		"in the function": s.named(t, "process fulfil").SpanContext,
		"in the step":     s.named(t, "step ship").SpanContext,
	}, logged)
}
