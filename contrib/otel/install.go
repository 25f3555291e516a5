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

// Install traces and measures all functions of the app, those registered before
// too, their steps, and what is sent with the app. Install it before other
// middleware, which then runs inside the spans, and once.
//
// The span of a function belongs to the trace of the event that triggered the run,
// below the span that sent it. With several events, or one that carries no trace
// context, it belongs to a trace of the run's own, whose ID is the run's, so that all
// calls of the run share it; there the provider's sampler decides as for any root
// span. It links to the span of each event, and to the span it found in the context
// of the call: the HTTP server span, if otelhttp or the like made one, which gets a
// link back. That one is no parent: it belongs to a trace that the Inngest server
// began for its requests, which knows nothing of what sent the event.
//
// An error names the options that are wrong, comes from the meter provider, or says
// that the app has telemetry already; nothing is installed then.
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
		return errors.New("inngestotel: install: it is installed on this app already, and would count everything twice")
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

// installed has the apps with telemetry, by weak pointer.
var installed sync.Map

// telemetry is what is installed on one app.
type telemetry struct {
	*config

	appID   string
	tracer  trace.Tracer
	metrics *metrics
	// functions has a func() *function by ID, which makes it at the first call.
	functions sync.Map
	// panicked is done once a panic has been reported.
	panicked sync.Once
}

// function is what is known of a function before its calls.
type function struct {
	filtered bool
	spanName string
	process  trace.SpanStartEventOption
	step     trace.SpanStartEventOption
	metrics  *functionMetrics
}

// of is what is known of the function id.
func (t *telemetry) of(id string) *function {
	f, ok := t.functions.Load(id)
	if !ok {
		f, _ = t.functions.LoadOrStore(id, sync.OnceValue(func() *function { return t.newFunction(id) }))
	}
	return f.(func() *function)() //nolint:forcetypeassert // nothing else is in there
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

// wanted asks the user's filter about a function.
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

// attributed is the option for spans that have these attributes besides those of
// all spans.
func (t *telemetry) attributed(attributes ...attribute.KeyValue) trace.SpanStartEventOption {
	return trace.WithAttributes(append(attributes, t.attributes...)...)
}
