package inngestotel

import (
	"cmp"
	"context"
	"slices"
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
	// Made once for each outcome: ended has the attributes of what has ended, processed
	// those of messaging besides.
	ended, processed map[inngestkit.Outcome]metric.MeasurementOption
}

func (m *metrics) forFunction(id string) *functionMetrics {
	function := semconv.MessagingConsumerGroupName(id)
	f := &functionMetrics{
		metrics:   m,
		active:    m.with(function),
		ended:     map[inngestkit.Outcome]metric.MeasurementOption{},
		processed: map[inngestkit.Outcome]metric.MeasurementOption{},
	}
	for _, outcome := range []inngestkit.Outcome{
		inngestkit.OutcomeCompleted, inngestkit.OutcomeYielded, inngestkit.OutcomeRetried, inngestkit.OutcomeFailed,
		inngestkit.OutcomeNonRetriable,
	} {
		key := OutcomeKey.String(string(outcome))
		f.ended[outcome] = m.with(function, key)
		f.processed[outcome] = m.with(function, key, messagingSystem, semconv.MessagingOperationName(opProcess))
	}
	return f
}

// with is the option for measurements that have these attributes besides those of all.
func (m *metrics) with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	// NewSet sorts what it is given.
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(attributes, m.common)...))
}

func (f *functionMetrics) begin(ctx context.Context) { f.metrics.active.Add(ctx, 1, f.active) }

// end measures a call that has ended.
func (f *functionMetrics) end(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	f.metrics.active.Add(ctx, -1, f.active)
	f.executions.Add(ctx, 1, f.ended[outcome])
	record(ctx, f.process, took, f.processed[outcome], err)
}

// endStep measures a step that has ended.
func (f *functionMetrics) endStep(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	record(ctx, f.step, took, f.ended[outcome], err)
}

// sent measures a send, of whose events the first taken ones were taken.
func (m *metrics) sent(ctx context.Context, took time.Duration, events []inngestkit.RawEvent, taken int, err error) {
	about := m.mixed
	if name := commonName(events); name != "" {
		about = m.ofEvents(name)
	}
	record(ctx, m.send, took, about.send, err)
	taken = min(taken, len(events))
	m.count(ctx, events[:taken], nil)
	if err != nil {
		m.count(ctx, events[taken:], err)
	}
}

// count counts events that were sent, or were not because of err.
func (m *metrics) count(ctx context.Context, events []inngestkit.RawEvent, err error) {
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Name == events[0].Name {
			n++
		}
		about := m.ofEvents(events[0].Name).message
		if err == nil {
			m.messages.Add(ctx, int64(n), about)
		} else {
			m.messages.Add(ctx, int64(n), about, failed(err))
		}
		events = events[n:]
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
	histogram.Record(ctx, took.Seconds(), about, failed(err))
}

// failed is the option for measurements of what has failed.
func failed(err error) metric.MeasurementOption {
	return metric.WithAttributes(semconv.ErrorTypeKey.String(cut(errorType(err), maxName)))
}

// eventMetrics are the attributes of what is measured of the events of one name, made
// once.
type eventMetrics struct {
	send, message metric.MeasurementOption
}

// forEvents makes the attributes for the events called name, or for sends of events
// with several names.
func (m *metrics) forEvents(name ...attribute.KeyValue) *eventMetrics {
	about := append(name, messagingSystem, semconv.MessagingOperationName(opSend))
	return &eventMetrics{
		send:    m.with(append(about, semconv.MessagingOperationTypeSend)...),
		message: m.with(about...), // the conventions have no type here
	}
}

// ofEvents are the attributes for the events called name. It bounds the names.
func (m *metrics) ofEvents(name string) *eventMetrics {
	m.mu.RLock()
	known, full := m.names[name], len(m.names) >= maxEventNames
	m.mu.RUnlock()
	if known != nil || full {
		return cmp.Or(known, m.others)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil && len(m.names) < maxEventNames {
		m.names[name] = m.forEvents(semconv.MessagingDestinationName(cut(name, maxName)))
	}
	return cmp.Or(m.names[name], m.others)
}
