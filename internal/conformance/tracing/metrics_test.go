package tracing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// points returns the data points of a metric as "attributes = value", with the count for
// histograms.
func points(t *testing.T, metric metricdata.Metrics) []string {
	t.Helper()
	var all []string
	show := func(set attribute.Set, value any) {
		all = append(all, fmt.Sprintf("%s = %v", set.Encoded(attribute.DefaultEncoder()), value))
	}
	switch data := metric.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			show(p.Attributes, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			show(p.Attributes, p.Count)
		}
	default:
		require.Failf(t, "unknown data", "%T", data)
	}
	slices.Sort(all)
	return all
}

// attributeSets returns the attributes of the data points of a metric.
func attributeSets(t *testing.T, metric metricdata.Metrics) []attribute.Set {
	t.Helper()
	var all []attribute.Set
	switch data := metric.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			all = append(all, p.Attributes)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			all = append(all, p.Attributes)
		}
	}
	require.NotEmpty(t, all, metric.Name)
	return all
}

// sum returns the total of a counter.
func sum(t *testing.T, metric metricdata.Metrics) int64 {
	t.Helper()
	data, ok := metric.Data.(metricdata.Sum[int64])
	require.True(t, ok, metric.Name)
	total := int64(0)
	for _, p := range data.DataPoints {
		total += p.Value
	}
	return total
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	var inFlight int64
	var s *site
	errs := []error{nil, errors.New("boom"), inngestkit.NoRetry(declinedError{1})}
	s = newSite(t, nil,
		onPlaced(func(ctx context.Context, _ input) (any, error) {
			inFlight = sum(t, s.collected(t)["inngest.function.active"])
			return step.SendEvent(ctx, "ship", placed.New(order{ID: "o2"}), placed.New(order{ID: "o3"}))
		}),
		inngestkit.OnEvent("bill", placed, func(context.Context, input) (any, error) {
			err := errs[0]
			errs = errs[1:]
			return "billed", err
		}))
	s.call(t.Context(), t, "fulfil", run{})
	for range errs {
		s.call(t.Context(), t, "bill", run{})
	}
	s.sent.refuse(401, "no")
	_, err := s.app.Send(t.Context(), placed.New(order{}), inngestkit.DefineEvent[order]("order.other").New(order{}))
	require.Error(t, err)

	require.Equal(t, int64(1), inFlight)
	collected := s.collected(t)
	const process = "messaging.operation.name=process,messaging.system=inngest"
	const send = "messaging.operation.name=send,messaging.operation.type=send,messaging.system=inngest"
	const sent = "messaging.operation.name=send,messaging.system=inngest"
	want := map[string][]string{
		"inngest.function.executions": {
			"inngest.outcome=completed,messaging.consumer.group.name=bill = 1",
			"inngest.outcome=non_retriable,messaging.consumer.group.name=bill = 1",
			"inngest.outcome=retried,messaging.consumer.group.name=bill = 1",
			"inngest.outcome=yielded,messaging.consumer.group.name=fulfil = 1",
		},
		"inngest.function.active": {
			"messaging.consumer.group.name=bill = 0", "messaging.consumer.group.name=fulfil = 0",
		},
		"messaging.process.duration": {
			"error.type=*errors.errorString,inngest.outcome=retried,messaging.consumer.group.name=bill," + process + " = 1",
			"error.type=github.com/inngestkit/inngestkit/internal/conformance/tracing.declinedError," +
				"inngest.outcome=non_retriable,messaging.consumer.group.name=bill," + process + " = 1",
			"inngest.outcome=completed,messaging.consumer.group.name=bill," + process + " = 1",
			"inngest.outcome=yielded,messaging.consumer.group.name=fulfil," + process + " = 1",
		},
		"inngest.step.duration": {"inngest.outcome=completed,messaging.consumer.group.name=fulfil = 1"},
		"messaging.client.operation.duration": {
			"error.type=401," + send + " = 1", "messaging.destination.name=order.placed," + send + " = 1",
		},
		"messaging.client.sent.messages": {
			"error.type=401,messaging.destination.name=order.other," + sent + " = 1",
			"error.type=401,messaging.destination.name=order.placed," + sent + " = 1",
			"messaging.destination.name=order.placed," + sent + " = 2",
		},
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(collected)))
	for name, expected := range want {
		require.Equal(t, expected, points(t, collected[name]), name)
		require.Equal(t, map[string]string{
			"inngest.function.executions": "{call}", "inngest.function.active": "{call}", "messaging.client.sent.messages": "{message}",
			"messaging.process.duration": "s", "inngest.step.duration": "s", "messaging.client.operation.duration": "s",
		}[name], collected[name].Unit)
		require.NotEmpty(t, collected[name].Description, name)
		if histogram, ok := collected[name].Data.(metricdata.Histogram[float64]); ok {
			bounds := histogram.DataPoints[0].Bounds
			require.Equal(t, []float64{0.005, 7200}, []float64{bounds[0], bounds[len(bounds)-1]}, "from 5 ms to the server's timeout")
		}
	}
}

// Metrics distinguish all registered functions and a bounded number of events, whatever the
// IDs of runs and steps, and however many names a program makes up.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, onPlaced(func(ctx context.Context, in input) (any, error) {
		return step.Run(ctx, "step of "+in.Event.Data.ID, func(context.Context) (string, error) { return "x", nil })
	}))
	const many = 300
	for i := range many {
		s.call(t.Context(), t, "fulfil", run{
			id: fmt.Sprintf("01K9ZKQ7R3V7M2S0T5N8XW4%03d", i), attempt: i,
			events: []string{event(fmt.Sprintf("ev%d", i), fmt.Sprintf(`{"id":"o%d"}`, i))},
		})
		_, err := s.app.Send(t.Context(), inngestkit.DefineEvent[order](fmt.Sprintf("order.%d", i)).New(order{}))
		require.NoError(t, err)
	}
	const names = 201 // 200 events, and one name for all others
	collected := s.collected(t)
	for name, most := range map[string]int{
		"inngest.function.executions": 1, "inngest.function.active": 1, "messaging.process.duration": 1, "inngest.step.duration": 1,
		"messaging.client.operation.duration": names, "messaging.client.sent.messages": names,
	} {
		require.Len(t, attributeSets(t, collected[name]), most, name)
	}
	require.Contains(t, strings.Join(points(t, collected["messaging.client.sent.messages"]), "\n"), "messaging.destination.name=_OTHER")
	require.Equal(t, int64(many), sum(t, collected["messaging.client.sent.messages"]), "no event is lost")
}

// selfNamedError is an error that names its own type.
type selfNamedError struct{ id int }

func (e selfNamedError) Error() string     { return "no" }
func (e selfNamedError) ErrorType() string { return fmt.Sprintf("user-%d", e.id) }

// Types that errors make up do not become attributes of metrics.
func TestTypesOfErrorsAreBounded(t *testing.T) {
	t.Parallel()
	id := 0
	s := newSite(t, nil, onPlaced(func(context.Context, input) (any, error) { return nil, selfNamedError{id} }))
	for id = range 20 {
		s.call(t.Context(), t, "fulfil", run{})
	}
	require.Len(t, attributeSets(t, s.collected(t)["messaging.process.duration"]), 1)
}
