package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

// requireOneTrace checks the spans of one order and their parents. A step has one span
// for each time it ran.
func requireOneTrace(t *testing.T, spans tracetest.SpanStubs) {
	t.Helper()
	root := named(spans, "POST /orders")
	require.Len(t, root, 1)
	for _, span := range spans {
		if span.InstrumentationScope.Name == "github.com/inngestkit/inngestkit/contrib/otel" {
			require.Equal(t, root[0].SpanContext.TraceID(), span.SpanContext.TraceID(), span.Name)
		}
	}
	require.False(t, root[0].Parent.IsValid())
	var tree strings.Builder
	writeBelow(&tree, spans, root[0], "")
	require.Equal(t, strings.TrimLeft(`
POST /orders server of orders
  send order.placed producer of orders
    process fulfil-order consumer of orders: yielded, attempt 0
      step reserve-stock internal of orders: completed, attempt 0
    process fulfil-order consumer of orders: yielded, attempt 0
      step charge-card internal of orders: retried, attempt 0 Error
    process fulfil-order consumer of orders: yielded, attempt 1
      step charge-card internal of orders: completed, attempt 1
    process fulfil-order consumer of orders: yielded, attempt 0
      step announce-payment internal of orders: completed, attempt 0
        send order.paid producer of orders
          process ship-order consumer of shipping: yielded, attempt 0
            step pack-parcel internal of shipping: completed, attempt 0
          process ship-order consumer of shipping: yielded, attempt 0
          process ship-order consumer of shipping: yielded, attempt 0
            step hand-over internal of shipping: completed, attempt 0
          process ship-order consumer of shipping: completed, attempt 0
    process fulfil-order consumer of orders: completed, attempt 0
`, "\n"), tree.String())
}

// writeBelow describes a span and its descendants.
func writeBelow(out *strings.Builder, spans tracetest.SpanStubs, span tracetest.SpanStub, indent string) {
	service, _ := span.Resource.Set().Value(semconv.ServiceNameKey)
	fmt.Fprintf(out, "%s%s %s of %s", indent, span.Name, span.SpanKind, service.AsString())
	if outcome, ok := attributes(span)[inngestotel.OutcomeKey]; ok {
		fmt.Fprintf(out, ": %v, attempt %v", outcome, attributes(span)[inngestotel.AttemptKey])
	}
	if span.Status.Code != codes.Unset {
		fmt.Fprintf(out, " %s", span.Status.Code)
	}
	fmt.Fprintln(out)
	var children tracetest.SpanStubs
	for _, other := range spans {
		if other.Parent.SpanID() == span.SpanContext.SpanID() {
			children = append(children, other)
		}
	}
	slices.SortFunc(children, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	for _, child := range children {
		writeBelow(out, spans, child, indent+"  ")
	}
}

// requireLinks checks that each call links to the send of its event, and to the HTTP
// server span of its service, which is in another trace and links back.
func requireLinks(t *testing.T, spans tracetest.SpanStubs) {
	t.Helper()
	byID := map[trace.SpanID]tracetest.SpanStub{}
	for _, span := range spans {
		byID[span.SpanContext.SpanID()] = span
	}
	calls := map[trace.SpanID]bool{}
	for name, sender := range map[string]string{
		"process fulfil-order": "send order.placed",
		"process ship-order":   "send order.paid",
	} {
		send := named(spans, sender)[0]
		for _, process := range named(spans, name) {
			require.Len(t, process.Links, 2)
			require.Equal(t, send.SpanContext.SpanID(), process.Links[0].SpanContext.SpanID())
			require.Equal(t, send.SpanContext.TraceID(), process.Links[0].SpanContext.TraceID())
			require.Equal(t, []attribute.KeyValue{semconv.MessagingMessageID(attributes(send)[semconv.MessagingMessageIDKey].(string))},
				process.Links[0].Attributes)

			call := byID[process.Links[1].SpanContext.SpanID()]
			require.Equal(t, "POST /api/inngest", call.Name)
			require.Equal(t, trace.SpanKindServer, call.SpanKind)
			require.Equal(t, process.Resource, call.Resource)
			require.NotEqual(t, process.SpanContext.TraceID(), call.SpanContext.TraceID())
			require.Len(t, call.Links, 1)
			require.True(t, process.SpanContext.Equal(call.Links[0].SpanContext), "back to the call")
			require.False(t, calls[call.SpanContext.SpanID()], "of one call each")
			calls[call.SpanContext.SpanID()] = true
		}
	}
	require.Len(t, calls, 9)
}

// requireErrors checks that the span of the rejected charge has the error.
func requireErrors(t *testing.T, spans tracetest.SpanStubs) {
	t.Helper()
	charges := named(spans, "step charge-card")
	require.Len(t, charges, 2)
	require.Equal(t, "the bank does not respond", charges[0].Status.Description)
	require.Len(t, charges[0].Events, 1)
	require.Equal(t, "exception", charges[0].Events[0].Name)
	for _, charge := range charges {
		require.Equal(t, int64(4200), attributes(charge)["order.cents"], "what the step has set itself")
	}
}

// requireTree checks the printed tree.
func requireTree(t *testing.T, out string) {
	t.Helper()
	call := func(service string) string { return ` +⇄ POST /api/inngest of ` + service + ` in trace \w{8}$` }
	requireLines(t, out,
		`^trace \w{32}: 18 spans of orders and shipping$`,
		`^POST /orders +orders +server +0\.000s +\S+s +202$`,
		`^└─ send order.placed +orders +producer `,
		`^   ├─ process fulfil-order +orders +consumer .* yielded +0`+call("orders"),
		`^   │  └─ step reserve-stock +orders +internal .* completed +0$`,
		`^   ├─ process fulfil-order `,
		`^   │  └─ step charge-card .* retried +0 +error: the bank does not respond$`,
		`^   ├─ process fulfil-order .* yielded +1`+call("orders"),
		`^   │  └─ step charge-card .* completed +1$`,
		`^   ├─ process fulfil-order .* yielded +0`+call("orders"),
		`^   │  └─ step announce-payment `,
		`^   │     └─ send order.paid `,
		`^   │        ├─ process ship-order +shipping .* yielded +0`+call("shipping"),
		`^   │        │  └─ step pack-parcel +shipping `,
		`^   │        ├─ process ship-order .* yielded `,
		`^   │        ├─ process ship-order .* yielded `,
		`^   │        │  └─ step hand-over `,
		`^   │        └─ process ship-order .* completed +0`+call("shipping"),
		`^   └─ process fulfil-order .* completed +0`+call("orders"),
	)
}

// requireLogLines checks that the log lines of functions have the trace ID.
func requireLogLines(t *testing.T, out string) {
	t.Helper()
	const ids = ` order=order-\w{4} trace_id=\w{32} span_id=\w{16} trace_flags=01$`
	requireLines(t, out,
		`^logged with this trace_id:$`,
		` msg="the stock is reserved" service=orders function=fulfil-order .*`+ids,
		` level=WARN msg="inngest: step failed" service=orders .* error="the bank does not respond" trace_id=`,
		` msg="the card is charged" service=orders function=fulfil-order .* attempt=1`+ids,
		` msg="the parcel is packed" service=shipping function=ship-order .*`+ids,
		` msg="the courier has the parcel" service=shipping .*`+ids,
	)
}

// requireLines checks that the lines appear in this order.
func requireLines(t *testing.T, out string, lines ...string) {
	t.Helper()
	rest := out
	for _, line := range lines {
		found := regexp.MustCompile(`(?m)` + line).FindStringIndex(rest)
		require.NotNil(t, found, "%s\nin\n%s", line, rest)
		rest = rest[found[1]:]
	}
}

// named returns the spans with a name, in order of their start.
func named(spans tracetest.SpanStubs, name string) tracetest.SpanStubs {
	var found tracetest.SpanStubs
	for _, span := range spans {
		if span.Name == name {
			found = append(found, span)
		}
	}
	slices.SortFunc(found, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	return found
}

// attributes returns the attributes of a span, by key.
func attributes(span tracetest.SpanStub) map[attribute.Key]any {
	all := map[attribute.Key]any{}
	for _, a := range span.Attributes {
		all[a.Key] = a.Value.AsInterface()
	}
	return all
}
