package inngestotel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// DefaultField is the default field of an event's data that carries the trace context;
// see [WithField].
const DefaultField = "traceContext"

// serverField is reserved for the server, which deletes it from events of apps.
const serverField = "_inngest"

// An Option configures [Install].
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	baggage    bool
	field      string
	path       string // gjson path of the field
	attributes []attribute.KeyValue
	eventData  int
	stepData   int
	redact     func(context.Context, Recorded) string
	filter     func(functionID string) bool
	errs       []error
}

func newConfig(options []Option) (*config, error) {
	c := &config{field: DefaultField}
	for _, o := range options {
		if o != nil {
			o.apply(c)
		}
	}
	if c.tracers == nil {
		c.tracers = otel.GetTracerProvider()
	}
	if c.meters == nil {
		c.meters = otel.GetMeterProvider()
	}
	if c.propagator == nil {
		c.propagator = propagation.TraceContext{}
	}
	if c.baggage {
		c.propagator = propagation.NewCompositeTextMapPropagator(c.propagator, propagation.Baggage{})
	}
	c.path = gjson.Escape(c.field)
	return c, errors.Join(c.errs...)
}

// WithTracerProvider sets the tracer provider, which also decides on sampling. The
// default, also for nil, is otel.GetTracerProvider().
func WithTracerProvider(provider trace.TracerProvider) Option {
	return option(func(c *config) { c.tracers = provider })
}

// WithMeterProvider sets the meter provider. The default, also for nil, is
// otel.GetMeterProvider().
func WithMeterProvider(provider metric.MeterProvider) Option {
	return option(func(c *config) { c.meters = provider })
}

// WithPropagators sets the propagator that writes the trace context into events and
// reads it from them. The default, also for nil, is W3C trace context and not
// otel.GetTextMapPropagator(), which does nothing unless the program sets it. Baggage
// is dropped without [WithBaggage].
func WithPropagators(propagator propagation.TextMapPropagator) Option {
	return option(func(c *config) { c.propagator = propagator })
}

// WithBaggage carries W3C baggage in events, next to the trace context. Everyone who
// can read the events at Inngest can read the baggage. A run with several events gets
// no baggage.
func WithBaggage() Option {
	return option(func(c *config) { c.baggage = true })
}

// WithField sets the field of an event's data that carries the trace context. The field
// is a JSON object with the propagator's entries: {"traceparent": …, "tracestate": …}.
// The default is [DefaultField].
//
// Choose a name that your own data does not use: an existing value is not overwritten,
// and functions whose data is a map do not see the field. With "", no trace context is
// written to events or read from them. Names above 1,024 bytes are an error.
func WithField(name string) Option {
	return option(func(c *config) {
		if name == serverField {
			c.errs = append(c.errs, fmt.Errorf("inngestotel: WithField(%q): the server deletes this field of events; "+
				"use another name, or omit the option to use %q", name, DefaultField))
		}
		if !utf8.ValidString(name) {
			c.errs = append(c.errs, fmt.Errorf("inngestotel: WithField(%q): the name must be valid UTF-8", name))
		}
		if len(name) > maxField {
			c.errs = append(c.errs, fmt.Errorf("inngestotel: WithField(%q…): the name has %d bytes; use at most %d",
				name[:20], len(name), maxField))
		}
		c.field = name
	})
}

// WithAttributes adds attributes to all spans and metrics. Attributes of the whole
// program (service.name, deployment.environment.name, …) belong in the resource of the
// SDK.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return option(func(c *config) {
		for _, a := range attributes {
			if !a.Valid() {
				c.errs = append(c.errs, fmt.Errorf("inngestotel: WithAttributes: the attribute %q has no key or no value", a.Key))
			}
		}
		c.attributes = append(slices.Clip(c.attributes), attributes...)
	})
}

// WithEventData records the data of events in [EventDataKey] on the spans of sends and
// functions, up to limit bytes. Truncated data ends in "…". By default, no data is
// recorded.
func WithEventData(limit int) Option {
	return option(func(c *config) { c.eventData = c.limit("WithEventData", limit) })
}

// WithStepData records the output of each step as JSON in [StepOutputKey] on its span,
// up to limit bytes. Truncated output ends in "…". By default, no output is recorded.
func WithStepData(limit int) Option {
	return option(func(c *config) { c.stepData = c.limit("WithStepData", limit) })
}

func (c *config) limit(option string, limit int) int {
	if limit < minLimit {
		c.errs = append(c.errs, fmt.Errorf("inngestotel: %s(%d): the limit is in bytes and must be at least %d; "+
			"omit the option to record nothing", option, limit, minLimit))
	}
	return limit
}

// WithRedaction sets a function that replaces text before it is recorded: data of
// events and output of steps, before truncation, and messages of errors. If it returns
// "", nothing is recorded. If it panics, nothing is recorded either, and the panic is
// reported to OpenTelemetry's error handler.
func WithRedaction(redact func(ctx context.Context, text Recorded) string) Option {
	return option(func(c *config) { c.redact = redact })
}

// Recorded is text to be recorded on a span.
type Recorded struct {
	// Attribute is [EventDataKey], [StepOutputKey] or exception.message.
	Attribute attribute.Key
	// FunctionID and StepID identify the function and the step that the text comes
	// from, "" if none.
	FunctionID, StepID string
	// Event is the name of the event if Attribute is EventDataKey.
	Event string
	// Text is the data as JSON, or the message.
	Text string
}

// WithFilter excludes the functions for which keep returns false: their calls and steps
// have no spans and no metrics. The events they send are still traced, in the trace of
// the run. keep is called once for each function. If it panics, the function is traced,
// and the panic is reported to OpenTelemetry's error handler.
func WithFilter(keep func(functionID string) bool) Option {
	return option(func(c *config) { c.filter = keep })
}
