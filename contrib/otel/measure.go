package inngestotel

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// functionMetrics measures one function.
type functionMetrics struct {
	*metrics

	active metric.MeasurementOption
	// The attributes of calls and of steps, made once for each way to end.
	calls, steps map[inngestkit.Outcome]metric.MeasurementOption
}

func (m *metrics) forFunction(id string) *functionMetrics {
	function := semconv.MessagingConsumerGroupName(id)
	f := &functionMetrics{
		metrics: m,
		active:  m.with(function),
		calls:   map[inngestkit.Outcome]metric.MeasurementOption{},
		steps:   map[inngestkit.Outcome]metric.MeasurementOption{},
	}
	for _, outcome := range []inngestkit.Outcome{
		inngestkit.Completed, inngestkit.Yielded, inngestkit.Retried, inngestkit.Failed, inngestkit.NonRetriable,
	} {
		ended := OutcomeKey.String(string(outcome))
		f.steps[outcome] = m.with(function, ended)
		f.calls[outcome] = m.with(function, ended, messagingSystem,
			semconv.MessagingOperationName(opProcess), semconv.MessagingOperationTypeProcess)
	}
	return f
}

// with is the option for measurements that have these attributes besides those of all.
// A set sorts what it is given, so it is given a copy.
func (m *metrics) with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(attributes, m.common)...))
}

func (f *functionMetrics) begin(ctx context.Context) { f.metrics.active.Add(ctx, 1, f.active) }

// stopped counts a call down again; end is not reached if its goroutine ends.
func (f *functionMetrics) stopped(ctx context.Context) { f.metrics.active.Add(ctx, -1, f.active) }

// end measures a call that has ended.
func (f *functionMetrics) end(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	f.executions.Add(ctx, 1, f.steps[outcome])
	record(ctx, f.process, took, f.calls[outcome], failure(outcome, err))
}

// endStep measures a step that has ended.
func (f *functionMetrics) endStep(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	record(ctx, f.step, took, f.steps[outcome], failure(outcome, err))
}

// failure is err unless it only says that the call has yielded.
func failure(outcome inngestkit.Outcome, err error) error {
	if outcome == inngestkit.Yielded {
		return nil
	}
	return err
}

// sent measures a send, of whose events the first taken ones were taken.
func (m *metrics) sent(ctx context.Context, took time.Duration, events []inngestkit.RawEvent, taken int, err error) {
	about := []attribute.KeyValue{
		messagingSystem, semconv.MessagingOperationName(opSend), semconv.MessagingOperationTypeSend,
	}
	duration := m.with(about...)
	if name := commonName(events); name != "" {
		duration = m.with(append(about, m.names.destination(name))...)
	}
	record(ctx, m.send, took, duration, err)
	count := func(events []inngestkit.RawEvent, attributes ...attribute.KeyValue) {
		for len(events) > 0 {
			n := 1
			for n < len(events) && events[n].Name == events[0].Name {
				n++
			}
			m.messages.Add(ctx, int64(n), m.with(append(attributes, m.names.destination(events[0].Name))...))
			events = events[n:]
		}
	}
	taken = min(taken, len(events))
	about = about[:2:2] // the conventions have no type here
	count(events[:taken], about...)
	if err != nil {
		count(events[taken:], append(about, semconv.ErrorTypeKey.String(errorType(err)))...)
	}
}

// record records how long something took, and the type of its error if it has one.
func record(
	ctx context.Context, histogram metric.Float64Histogram, took time.Duration, about metric.MeasurementOption, err error,
) {
	if err == nil {
		histogram.Record(ctx, took.Seconds(), about)
		return
	}
	histogram.Record(ctx, took.Seconds(), about, metric.WithAttributes(semconv.ErrorTypeKey.String(errorType(err))))
}

// eventNames bounds the names of events on metrics.
type eventNames struct {
	mu    sync.RWMutex
	known map[string]attribute.KeyValue
}

// destination is the attribute for the event called name.
func (n *eventNames) destination(name string) attribute.KeyValue {
	n.mu.RLock()
	known, ok := n.known[name]
	n.mu.RUnlock()
	if ok {
		return known
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch known, ok = n.known[name]; {
	case ok:
		return known
	case len(n.known) >= maxEventNames:
		return semconv.MessagingDestinationName(otherName)
	case n.known == nil:
		n.known = map[string]attribute.KeyValue{}
	}
	n.known[name] = semconv.MessagingDestinationName(name)
	return n.known[name]
}
