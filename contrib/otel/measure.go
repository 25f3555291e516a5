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

// functionMetrics records the metrics of one function.
type functionMetrics struct {
	*metrics

	active metric.MeasurementOption
	// ended holds the attributes for each outcome, and processed these with the
	// messaging attributes. They are built once.
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

// with returns a measurement option with these attributes and those of
// [WithAttributes].
func (m *metrics) with(attributes ...attribute.KeyValue) metric.MeasurementOption {
	// NewSet sorts its argument in place, so Concat copies.
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(attributes, m.common)...))
}

func (f *functionMetrics) begin(ctx context.Context) { f.metrics.active.Add(ctx, 1, f.active) }

// end records the end of a call.
func (f *functionMetrics) end(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	f.metrics.active.Add(ctx, -1, f.active)
	f.executions.Add(ctx, 1, f.ended[outcome])
	record(ctx, f.process, took, f.processed[outcome], err)
}

// endStep records the end of a step.
func (f *functionMetrics) endStep(ctx context.Context, took time.Duration, outcome inngestkit.Outcome, err error) {
	record(ctx, f.step, took, f.ended[outcome], err)
}

// sent records a send of which the server accepted the first taken events.
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

// count adds events that were sent, or that were not sent because of err.
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

// record records a duration and, if err is not nil, the type of the error.
func record(
	ctx context.Context, histogram metric.Float64Histogram, took time.Duration, about metric.MeasurementOption, err error,
) {
	if err == nil {
		histogram.Record(ctx, took.Seconds(), about)
		return
	}
	histogram.Record(ctx, took.Seconds(), about, failed(err))
}

// failed returns a measurement option with the type of err.
func failed(err error) metric.MeasurementOption {
	return metric.WithAttributes(semconv.ErrorTypeKey.String(cut(errorType(err), maxName)))
}

// eventMetrics holds the prebuilt attributes for the events with one name.
type eventMetrics struct {
	send, message metric.MeasurementOption
}

// forEvents builds the attributes for events with one name, or without a name for sends
// of events with several names.
func (m *metrics) forEvents(name ...attribute.KeyValue) *eventMetrics {
	about := append(name, messagingSystem, semconv.MessagingOperationName(opSend))
	return &eventMetrics{
		send:    m.with(append(about, semconv.MessagingOperationTypeSend)...),
		message: m.with(about...), // the conventions define no operation type here
	}
}

// ofEvents returns the attributes for the events with a name. It limits the number of
// names.
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
