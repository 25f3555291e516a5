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

// DefaultField is the field of an event's data that carries the trace context,
// unless [WithField] says otherwise.
const DefaultField = "traceContext"

// serverField is the server's own field: it deletes what apps put there.
const serverField = "_inngest"

// Option is an option of [Install].
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	baggage    bool
	field      string
	path       string // of the field, as gjson takes it
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

// WithTracerProvider sets where spans come from. By default, and if it is nil, that
// is otel.GetTracerProvider(). Sampling is the provider's.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return option(func(c *config) { c.tracers = provider })
}

// WithMeterProvider sets where metrics go. By default, and if it is nil, that is
// otel.GetMeterProvider().
func WithMeterProvider(provider metric.MeterProvider) Option {
	return option(func(c *config) { c.meters = provider })
}

// WithPropagators sets how the trace context is written into events, and read from
// them. By default, and if it is nil, that is W3C trace context, whatever
// otel.GetTextMapPropagator() is: that one does nothing unless the program sets it.
// Of what it writes, baggage is left out without [WithBaggage].
func WithPropagators(propagator propagation.TextMapPropagator) Option {
	return option(func(c *config) { c.propagator = propagator })
}

// WithBaggage carries W3C baggage in events, next to the trace context. Whoever
// sees events at Inngest sees it there. Of a batch, no baggage is taken over.
func WithBaggage() Option {
	return option(func(c *config) { c.baggage = true })
}

// WithField sets the field of an event's data that carries the trace context, a JSON
// object with what the propagator writes: {"traceparent": …, "tracestate": …}. The
// default is [DefaultField]. What is in the field already is left alone; functions whose
// data is a map do not get it, so it must not be a field of your own data. With ""
// nothing is written to events, nor read from them.
func WithField(name string) Option {
	return option(func(c *config) {
		if name == serverField {
			c.errs = append(c.errs, fmt.Errorf("inngestotel: WithField(%q): the server deletes this field of events; "+
				"use another, or none for %q", name, DefaultField))
		}
		if !utf8.ValidString(name) {
			c.errs = append(c.errs, fmt.Errorf("inngestotel: WithField(%q): the name is not valid UTF-8, as JSON wants it", name))
		}
		c.field = name
	})
}

// WithAttributes adds attributes to all spans and metrics. What is true of the whole
// program (service.name, deployment.environment.name, …) rather belongs into the
// resource of the SDK.
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

// WithEventData records the data of events in [EventDataKey] on the spans of sends
// and functions, up to limit bytes of it; what is cut off ends in "…". By default
// no data is recorded.
func WithEventData(limit int) Option {
	return option(func(c *config) { c.eventData = c.limit("WithEventData", limit) })
}

// WithStepData records the outputs of steps as JSON in [StepOutputKey] on their
// spans, up to limit bytes of each; what is cut off ends in "…". By default no data
// is recorded.
func WithStepData(limit int) Option {
	return option(func(c *config) { c.stepData = c.limit("WithStepData", limit) })
}

func (c *config) limit(option string, limit int) int {
	if limit < minLimit {
		c.errs = append(c.errs, fmt.Errorf("inngestotel: %s(%d): the limit is in bytes, at least %d; "+
			"leave the option out to record nothing", option, limit, minLimit))
	}
	return limit
}

// WithRedaction has redact return what is recorded in place of text: of event data
// and step data, before it is cut to its limit, and of the messages of errors. With
// "" nothing is recorded. If redact panics, nothing is recorded either, and the
// panic goes to OpenTelemetry's error handler.
func WithRedaction(redact func(ctx context.Context, text Recorded) string) Option {
	return option(func(c *config) { c.redact = redact })
}

// Recorded is text that is about to be recorded on a span.
type Recorded struct {
	// Attribute is [EventDataKey], [StepOutputKey] or exception.message.
	Attribute attribute.Key
	// FunctionID and StepID are of the function and the step it comes from, "" if none.
	FunctionID, StepID string
	// Event is the name of the event, if Attribute is EventDataKey.
	Event string
	// Text is the data as JSON, or the message.
	Text string
}

// WithFilter leaves out the functions for which keep returns false: no span and no
// metric tells of their calls and steps. It is asked once for each function. What
// they send is still traced, and in the trace of the run. If keep panics, the function
// is traced, and the panic goes to OpenTelemetry's error handler.
func WithFilter(keep func(functionID string) bool) Option {
	return option(func(c *config) { c.filter = keep })
}
