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

// maxEventNames bounds how many names of events metrics tell apart. The names are
// the program's own, but it may make them up as it runs. Functions are bounded by
// being registered.
const maxEventNames = 200

// otherName stands for all further names, as the conventions have it for error.type.
const otherName = "_OTHER"

// buckets are those that the conventions give for messaging, in seconds, and some
// more: steps take as long as the server waits for them, which is two hours
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

	// names has the attributes for the events of each name, mixed those for sends of
	// several names, and others those for the events of all further names.
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
		metric.WithDescription("Calls of functions by the Inngest server, by how they ended."))
	m.active, errs[1] = meter.Int64UpDownCounter("inngest.function.active", metric.WithUnit("{call}"),
		metric.WithDescription("Calls of functions that are running."))
	m.process, errs[2] = meter.Float64Histogram("messaging.process.duration", seconds(),
		metric.WithDescription("Duration of calls of functions."), metric.WithExplicitBucketBoundaries(buckets...))
	m.step, errs[3] = meter.Float64Histogram("inngest.step.duration", seconds(),
		metric.WithDescription("Duration of steps that ran."), metric.WithExplicitBucketBoundaries(buckets...))
	m.send, errs[4] = meter.Float64Histogram("messaging.client.operation.duration", seconds(),
		metric.WithDescription("Duration of sends, repeated requests included."), metric.WithExplicitBucketBoundaries(buckets...))
	m.messages, errs[5] = meter.Int64Counter("messaging.client.sent.messages", metric.WithUnit("{message}"),
		metric.WithDescription("Events that were sent, or with error.type were not."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("inngestotel: install: the meter provider refuses an instrument: %w", err)
	}
	return m, nil
}

func seconds() metric.InstrumentOption { return metric.WithUnit("s") }
