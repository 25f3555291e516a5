package inngestotel

import (
	"errors"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// maxEventNames limits the number of event names that metrics distinguish. A program
// may generate names at run time. Functions need no limit, because they are registered.
const maxEventNames = 200

// otherName replaces all further names, like the value _OTHER of error.type in the
// conventions.
const otherName = "_OTHER"

// buckets are the boundaries in seconds that the conventions specify for messaging, and
// larger ones: a step may take as long as the server waits for it, two hours
// (MaxFunctionTimeout in its pkg/consts).
var buckets = []float64{
	0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 1800, 7200,
}

type metrics struct {
	common []attribute.KeyValue

	executions metric.Int64Counter
	active     metric.Int64UpDownCounter
	process    metric.Float64Histogram
	step       metric.Float64Histogram
	send       metric.Float64Histogram
	messages   metric.Int64Counter

	// names holds the attributes for the events of each name, mixed for sends of events
	// with several names, and others for events with any further name.
	mu            sync.RWMutex
	names         map[string]*eventMetrics
	mixed, others *eventMetrics
}

func newMetrics(c *config) (*metrics, error) {
	meter := c.meters.Meter(ScopeName, metric.WithInstrumentationVersion(inngestkit.Version),
		metric.WithSchemaURL(semconv.SchemaURL))
	m := &metrics{common: c.attributes, names: map[string]*eventMetrics{}}
	m.mixed, m.others = m.forEvents(), m.forEvents(semconv.MessagingDestinationName(otherName))
	var errs [6]error
	m.executions, errs[0] = meter.Int64Counter("inngest.function.executions", metric.WithUnit("{call}"),
		metric.WithDescription("Function calls by the Inngest server, by outcome."))
	m.active, errs[1] = meter.Int64UpDownCounter("inngest.function.active", metric.WithUnit("{call}"),
		metric.WithDescription("Function calls in progress."))
	m.process, errs[2] = meter.Float64Histogram("messaging.process.duration", seconds(),
		metric.WithDescription("Duration of function calls."), metric.WithExplicitBucketBoundaries(buckets...))
	m.step, errs[3] = meter.Float64Histogram("inngest.step.duration", seconds(),
		metric.WithDescription("Duration of steps that ran."), metric.WithExplicitBucketBoundaries(buckets...))
	m.send, errs[4] = meter.Float64Histogram("messaging.client.operation.duration", seconds(),
		metric.WithDescription("Duration of sends, including retried requests."), metric.WithExplicitBucketBoundaries(buckets...))
	m.messages, errs[5] = meter.Int64Counter("messaging.client.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Events sent, or, with error.type, events that failed to send."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("inngestotel: install: the meter provider rejected an instrument: %w", err)
	}
	return m, nil
}

func seconds() metric.InstrumentOption { return metric.WithUnit("s") }
