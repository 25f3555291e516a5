package demo

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

// The tree shows all spans of the trace, including those without a known parent, in the
// order of their start, in whatever order they arrive.
func TestTree(t *testing.T) {
	t.Parallel()
	process := with(stub("process f", "app", orderID, 3, 2, 20, trace.SpanKindConsumer),
		inngestotel.OutcomeKey.String("yielded"), inngestotel.AttemptKey.Int(1))
	process.Links = []sdktrace.Link{{SpanContext: at(orderID, 2)}, {SpanContext: at(otherID, 11)}}
	again := with(stub("process f", "app", orderID, 4, 2, 10, trace.SpanKindConsumer), inngestotel.OutcomeKey.String("retried"))
	again.Links = []sdktrace.Link{{SpanContext: at(otherID, 12)}}
	again.Status = sdktrace.Status{Code: codes.Error, Description: "no"}
	call := stub("POST /api", "app", otherID, 11, 0, 19, trace.SpanKindServer)
	call.Links = []sdktrace.Link{{SpanContext: process.SpanContext}}
	spans := tracetest.SpanStubs{
		with(stub("POST /orders", "web", orderID, 1, 0, 0, trace.SpanKindServer), semconv.HTTPResponseStatusCode(202)),
		stub("send e", "web", orderID, 2, 1, 1, trace.SpanKindProducer),
		process, again,
		stub("step s", "app", orderID, 5, 3, 21, trace.SpanKindInternal),
		stub("step t", "app", orderID, 6, 3, 21, trace.SpanKindInternal),
		stub("step orphan", "app", orderID, 7, 99, 1500, trace.SpanKindInternal),
		call, stub("POST /api", "app", otherID, 12, 0, 9, trace.SpanKindServer),
		stub("step of another", "app", otherID, 13, 0, 9, trace.SpanKindInternal),
	}.Snapshots()
	for range 20 {
		rand.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		var out strings.Builder
		traceWith(spans, orderID).writeTo(&out)
		require.Equal(t, strings.TrimLeft(`
trace 01000000000000000000000000000000: 7 spans of web and app

span             service  kind         start      took  outcome  attempt
POST /orders     web      server      0.000s     500µs  202
└─ send e        web      producer    0.001s     500µs
   ├─ process f  app      consumer    0.010s     500µs  retried           error: no; → POST /api of app in trace 02000000
   └─ process f  app      consumer    0.020s     500µs  yielded  1        ⇄ POST /api of app in trace 02000000
      ├─ step s  app      internal    0.021s     500µs
      └─ step t  app      internal    0.021s     500µs
step orphan      app      internal    1.500s     500µs                    its parent 6300000000000000 was not seen
`, "\n"), out.String())
	}
}
