package demo

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

const event = "event-1"

// whole returns the smallest complete trace of an order.
func whole() tracetest.SpanStubs {
	completed := inngestotel.OutcomeKey.String("completed")
	spans := tracetest.SpanStubs{
		with(stub(sendOrder, "orders", orderID, 1, 0, 0, trace.SpanKindProducer), semconv.MessagingMessageID(event)),
		with(stub(processOrder, "orders", orderID, 2, 1, 1, trace.SpanKindConsumer), completed),
		with(stub(processShip, "shipping", orderID, 3, 1, 2, trace.SpanKindConsumer), completed),
		stub("POST /api/inngest", "orders", otherID, 11, 0, 1, trace.SpanKindServer),
		stub("POST /api/inngest", "shipping", otherID, 12, 0, 2, trace.SpanKindServer),
	}
	spans[1].Links = []sdktrace.Link{{SpanContext: at(orderID, 1)}, {SpanContext: at(otherID, 11)}}
	spans[2].Links = []sdktrace.Link{{SpanContext: at(orderID, 1)}, {SpanContext: at(otherID, 12)}}
	return spans
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(spans tracetest.SpanStubs) tracetest.SpanStubs
		want   string // "" if the trace is complete
	}{
		"whole": {func(spans tracetest.SpanStubs) tracetest.SpanStubs { return spans }, ""},
		"not sent": {
			func(spans tracetest.SpanStubs) tracetest.SpanStubs { return spans[1:] },
			`the event event-1 has no span "send order.placed"`,
		},
		"not ended": {
			func(spans tracetest.SpanStubs) tracetest.SpanStubs {
				spans[2].Attributes = nil
				return spans
			},
			`has no completed span "process ship-order"`,
		},
		"in another trace": {
			func(spans tracetest.SpanStubs) tracetest.SpanStubs {
				spans[2].SpanContext = at(otherID, 3)
				return spans
			},
			"one order should be one trace, but sends, functions and steps are in 2: ",
		},
		"parent missing": {
			func(spans tracetest.SpanStubs) tracetest.SpanStubs {
				spans[2].Parent = at(orderID, 99)
				return spans
			},
			`the parent 6300000000000000 of "process ship-order" is not in the trace`,
		},
		"call missing": {
			func(spans tracetest.SpanStubs) tracetest.SpanStubs { return slices.Delete(spans, 4, 5) },
			`"process ship-order" in the trace 01000000000000000000000000000000 has no link to the HTTP server span`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := checkOrder(test.change(whole()).Snapshots(), event)
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Spans end after the runs, so await waits for them, and returns the last error.
func TestAwait(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	spans := whole().Snapshots()
	for _, span := range spans[1:] {
		r.OnEnd(span)
	}
	ask := func(spans []sdktrace.ReadOnlySpan) error {
		_, err := checkOrder(spans, event)
		return err
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("too late"))
	require.ErrorContains(t, r.await(ctx, ask), "too late: the event ")

	asked := make(chan error)
	go func() { asked <- r.await(t.Context(), ask) }()
	r.OnEnd(spans[0])
	require.NoError(t, <-asked)

	order, err := traceOf(spans, event)
	require.NoError(t, err)
	r.OnEnd(tracetest.SpanStub{Name: "GET /", SpanContext: at(otherID, 20)}.Snapshot())
	r.forget(order)
	left, _ := r.all()
	require.Len(t, left, 1)
	require.Equal(t, "GET /", left[0].Name())
}
