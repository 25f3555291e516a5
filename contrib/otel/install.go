package inngestotel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Install traces and measures all functions of the app, including those already
// registered, their steps, and the events that the app sends. Install it once, before
// other middleware, which then runs inside the spans.
//
// The span of a function call belongs to the trace of the event that triggered the run,
// as a child of the span that sent it. If the run has several events, or one without a
// trace context, the span belongs to a new trace whose ID derives from the run ID, so
// all calls of the run share it; the provider's sampler decides as for any root span.
// The span links to the span of each event.
//
// The span also links to the span in the context of the call, and back. That is the
// HTTP server span if the program uses otelhttp or similar. It is not the parent,
// because it belongs to a trace that the Inngest server started for its requests, which
// does not include the span that sent the event.
//
// Install returns an error, and installs nothing, if an option is invalid, the meter
// provider fails, or the app already has telemetry.
func Install(app *inngestkit.App, options ...Option) error {
	if app == nil {
		return errors.New("inngestotel: install: the app is nil")
	}
	c, err := newConfig(options)
	if err != nil {
		return err
	}
	t := &telemetry{
		config: c,
		appID:  app.ID(),
		tracer: c.tracers.Tracer(ScopeName, trace.WithInstrumentationVersion(inngestkit.Version),
			trace.WithSchemaURL(semconv.SchemaURL)),
	}
	if t.metrics, err = newMetrics(c); err != nil {
		return err
	}
	key := weak.Make(app)
	if _, again := installed.LoadOrStore(key, nil); again {
		return errors.New("inngestotel: install: the app already has telemetry; a second Install would count everything twice")
	}
	runtime.AddCleanup(app, func(key weak.Pointer[inngestkit.App]) { installed.Delete(key) }, key)
	app.Use(inngestkit.Middleware{
		Function:   t.function,
		Step:       t.step,
		Invoke:     t.invoke,
		Send:       t.send,
		EventField: t.field,
	})
	return nil
}

// installed is the set of apps with telemetry, by weak pointer.
var installed sync.Map

// telemetry is the installation on one app.
type telemetry struct {
	*config

	appID   string
	tracer  trace.Tracer
	metrics *metrics
	// functions maps an ID to a func() *function that creates the value on the first
	// call.
	functions sync.Map
	// panicked reports the first panic only.
	panicked sync.Once
}

// A function holds what is known of a function before its calls.
type function struct {
	filtered bool
	spanName string
	process  trace.SpanStartEventOption
	step     trace.SpanStartEventOption
	metrics  *functionMetrics
}

// of returns the function with the given ID.
func (t *telemetry) of(id string) *function {
	f, ok := t.functions.Load(id)
	if !ok {
		f, _ = t.functions.LoadOrStore(id, sync.OnceValue(func() *function { return t.newFunction(id) }))
	}
	return f.(func() *function)() //nolint:forcetypeassert // the map has no other values
}

func (t *telemetry) newFunction(id string) *function {
	if !t.wanted(id) {
		return &function{filtered: true}
	}
	app, own := AppIDKey.String(t.appID), FunctionIDKey.String(id)
	return &function{
		spanName: opProcess + " " + id,
		process: t.attributed(app, own, messagingSystem, semconv.MessagingOperationName(opProcess),
			semconv.MessagingOperationTypeProcess, semconv.MessagingConsumerGroupName(id)),
		step:    t.attributed(app, own),
		metrics: t.metrics.forFunction(id),
	}
}

// wanted calls the user's filter for a function.
func (t *telemetry) wanted(id string) (wanted bool) {
	if t.filter == nil {
		return true
	}
	defer func() {
		if r := recover(); r != nil {
			otel.Handle(fmt.Errorf("inngestotel: the function given to WithFilter panicked, so function %q is traced: %v", id, r))
			wanted = true
		}
	}()
	return t.filter(id)
}

// attributed returns a span option with these attributes and those of [WithAttributes].
func (t *telemetry) attributed(attributes ...attribute.KeyValue) trace.SpanStartEventOption {
	return trace.WithAttributes(append(attributes, t.attributes...)...)
}
