package tracing

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// A call, the step that runs in it, and what it sends are spans below each other,
// and in the context of the code that they are about.
func TestSpansOfACall(t *testing.T) {
	t.Parallel()
	var inFunction, inStep trace.SpanContext
	shipped := inngestkit.NewEvent[order]("order.shipped")
	s := newSite(t, nil, onPlaced(func(ctx context.Context, in input) (any, error) {
		inFunction = trace.SpanContextFromContext(ctx)
		if _, err := step.Run(ctx, "kept", func(context.Context) (int, error) { return 0, errors.New("it was kept") }); err != nil {
			return nil, err
		}
		return step.Run(ctx, "ship", func(ctx context.Context) ([]string, error) {
			inStep = trace.SpanContextFromContext(ctx)
			return inngestkit.Send(ctx, shipped.New(in.Event.Data))
		})
	}))
	resp := s.call(t.Context(), t, "fulfil", run{}.kept("kept", 1))
	require.Equal(t, 206, resp.Status, "%s", resp.Body)

	function, ship, send := s.named(t, "process fulfil"), s.named(t, "step ship"), s.named(t, "send order.shipped")
	require.Len(t, s.spans.GetSpans(), 3, "none for the step that was kept")
	require.Equal(t, function.SpanContext, inFunction)
	require.Equal(t, ship.SpanContext, inStep)
	require.Equal(t, function.SpanContext.SpanID(), ship.Parent.SpanID())
	require.Equal(t, ship.SpanContext.SpanID(), send.Parent.SpanID())
	require.Equal(t, []trace.SpanKind{trace.SpanKindConsumer, trace.SpanKindInternal, trace.SpanKindProducer},
		[]trace.SpanKind{function.SpanKind, ship.SpanKind, send.SpanKind})
	require.Equal(t, codes.Unset, function.Status.Code)
	t.Log(attributes(function), attributes(ship), attributes(send))
	t.Log(s.sent.raw, s.log)
}
