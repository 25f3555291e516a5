package inngestkit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// FromClient returns an app with the functions that were created on a client of the official
// SDK, so that adapters can mount them unchanged. The app can register functions of its own
// as well, so a program can move one function at a time.
//
// The configuration is that of the client. Options that the client leaves to the environment
// are read as [ConfigFromEnv] does: INNGEST_DEV=0 means cloud mode, whereas the SDK treats
// any value as dev mode. configure sets what the SDK has no options for: ServeHost without a
// path, Path, MaxInFlight, an HTTPClient with a timeout. Without a Logger in the client's
// options, the app logs with slog.Default() instead of the SDK's logger, which writes
// colors. The app does not stream responses, even if the client is configured to.
//
// Calls and syncs are handled by the app:
//
//   - signatures are verified over the bytes received;
//   - the app's size limits, drain and MaxInFlight apply;
//   - errors are JSON, without the stack of a panic;
//   - a run does not count as completed because its caller hung up, or because a context
//     that the function derived is done;
//   - calls do not wait for syncs, and syncs have a stable order.
//
// Within the function everything is the SDK's: events are decoded through float64, which
// changes integers above 2^53; a panic in a step fails the call instead of the step; steps
// within steps are not detected. The client's middleware runs outside the app's. The app's
// middleware wraps the functions, but not the SDK's steps, and cannot change the events. To
// change that, make the function with [OnEvent] and use the steps of package step, which
// also work in adopted functions.
//
// Functions created on the client later are not adopted. If the program also mounts the
// client's own handler, mount it after FromClient, which resets the Origin and Path given to
// ServeWithOpts. The app's equivalents are ServeHost and ServePath. The client continues to
// send events with its own configuration.
func FromClient(client inngestgo.Client, configure ...func(*Config)) (*App, error) {
	if client == nil {
		return nil, errors.New("inngestkit: from client: the client is nil")
	}
	handler, ok := client.Serve().(sdkHandler)
	if !ok {
		return nil, fmt.Errorf("inngestkit: from client: %T does not expose its functions; "+
			"pass the client that inngestgo.NewClient returned", client)
	}
	config, err := configFromClient(client)
	if err != nil {
		return nil, err
	}
	for _, change := range configure {
		if change == nil {
			return nil, errors.New("inngestkit: from client: a configure function is nil")
		}
		change(&config)
	}
	a, err := New(config)
	if err != nil {
		return nil, err
	}
	if err := a.adopt(handler.GetFunctions(), client.Options()); err != nil {
		return nil, err
	}
	return a, nil
}

// sdkHandler has the methods of an SDK client's handler that the app uses. The handler's
// type is not exported.
type sdkHandler interface {
	GetFunctions() []inngestgo.ServableFunction
	Register(functions ...inngestgo.ServableFunction)
}

// adopt registers functions of the SDK in the order of their IDs, because the SDK returns
// them unordered.
func (a *App) adopt(functions []inngestgo.ServableFunction, from inngestgo.ClientOpts) error {
	options := a.sdkOptions()
	options.Middleware = append(options.Middleware, func() middleware.Middleware { return &seesReplays{} })
	for _, factory := range from.Middleware {
		options.Middleware = append(options.Middleware, func() middleware.Middleware { return seesPanics{factory()} })
	}
	var errs []error
	var added []*function
	byID := func(x, y inngestgo.ServableFunction) int { return cmp.Compare(x.ID(), y.ID()) }
	for _, sf := range slices.SortedFunc(slices.Values(functions), byID) {
		f, err := a.newAdopted(sf, options)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: from client: function %q: %w", sf.ID(), err))
			continue
		}
		added = append(added, f)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	a.registry.Store(a.registry.Load().with(added))
	return nil
}

func (a *App) newAdopted(sf inngestgo.ServableFunction, options inngestgo.ClientOpts) (*function, error) {
	if trigger := reflect.ValueOf(sf.Trigger()); !trigger.IsValid() || (trigger.Kind() == reflect.Pointer && trigger.IsNil()) {
		return nil, errors.New("it has no trigger")
	}
	f := &function{
		id: a.compositeID(sf.ID()), app: a, source: definition{id: sf.ID()},
		config: sf.Config(), triggers: sf.Trigger().Triggers(),
	}
	f.expressions = adoptedExpressions(f.triggers, f.config)
	if err := checkAdopted(f.triggers, f.config); err != nil {
		return nil, err
	}
	handler := reflect.ValueOf(sf.Func())
	if handler.Kind() != reflect.Func || handler.IsNil() {
		return nil, errors.New("it has no handler")
	}
	inputCtx, ok := handler.Type().In(1).FieldByName("InputCtx")
	if !ok || inputCtx.Type != reflect.TypeFor[InputCtx]() {
		return nil, errors.New("this version of inngestgo passes functions an input without an InputCtx")
	}
	f.source.handler = handler.Pointer()
	guarded := f.guard(handler, inputCtx.Index)
	f.adopted = &adopted{ServableFunction: sf, id: f.id, guarded: guarded, hides: hidesFields(handler.Type())}
	return f, f.start(options)
}

// adopted is a function of the SDK with the app's guards around its handler.
type adopted struct {
	inngestgo.ServableFunction

	id      string
	guarded any
	hides   bool // the event fields of the app's middleware are hidden from the function
}

// FullyQualifiedID implements inngestgo.ServableFunction.
func (a *adopted) FullyQualifiedID() string { return a.id }

// Func implements inngestgo.ServableFunction.
func (a *adopted) Func() any { return a.guarded }

func (a *adopted) addTo(client inngestgo.Client) error {
	handler, ok := client.Serve().(sdkHandler)
	if !ok {
		return errors.New("this version of inngestgo does not accept functions made elsewhere")
	}
	handler.Register(a)
	return nil
}

// guard returns a function of the same type as handler, which is a
// func(context.Context, inngestgo.Input[T]) (any, error). inputCtx is the index of the
// field in the input.
func (f *function) guard(handler reflect.Value, inputCtx []int) any {
	return reflect.MakeFunc(handler.Type(), func(args []reflect.Value) []reflect.Value {
		ctx, _ := reflect.TypeAssert[context.Context](args[0])
		input, _ := reflect.TypeAssert[InputCtx](args[1].FieldByIndex(inputCtx))
		result, err := runHandler(ctx, input, func(ctx context.Context, _ *FunctionCall) (any, error) {
			out := handler.Call([]reflect.Value{reflect.ValueOf(ctx), args[1]})
			err, _ := reflect.TypeAssert[error](out[1])
			return out[0].Interface(), err
		})
		if panicked, ok := errors.AsType[*PanicError](err); ok {
			panic(panicked) // for the client's middleware; see seesPanics
		}
		return []reflect.Value{valueOf(result, handler.Type().Out(0)), valueOf(err, handler.Type().Out(1))}
	}).Interface()
}

// seesReplays records where new code begins, which steps of the SDK do not report.
type seesReplays struct{ middleware.BaseMiddleware }

// BeforeExecution implements middleware.Middleware.
func (*seesReplays) BeforeExecution(ctx context.Context, _ middleware.CallContext) {
	if c := call.From(ctx); c != nil {
		c.Replay.BeginFresh()
	}
}

// seesPanics wraps a middleware of the client, so that it sees the original panic instead of
// the app's *PanicError.
type seesPanics struct{ middleware.Middleware }

// OnPanic implements middleware.Middleware.
func (m seesPanics) OnPanic(ctx context.Context, callCtx middleware.CallContext, recovered any, stack string) {
	if panicked, ok := recovered.(*PanicError); ok {
		recovered, stack = panicked.Value, string(panicked.Stack)
	}
	m.Middleware.OnPanic(ctx, callCtx, recovered, stack)
}

// panicMessage returns the message of an error without the text that the SDK adds to that
// of a panic: the stack is logged already, and must not leave the process.
func panicMessage(message string) string {
	if short, _, found := strings.Cut(message, ".  stack:\n"); found {
		return strings.TrimPrefix(short, "function panicked: ")
	}
	return message
}

// valueOf returns v as a value of the interface type t.
func valueOf(v any, t reflect.Type) reflect.Value {
	value := reflect.New(t).Elem()
	if v != nil {
		value.Set(reflect.ValueOf(v))
	}
	return value
}

// hidesFields reports whether fields must be hidden from a handler, which is a
// func(context.Context, inngestgo.Input[T]) (any, error).
func hidesFields(handler reflect.Type) bool {
	event, ok := handler.In(1).FieldByName("Event")
	if !ok || event.Type.Kind() != reflect.Struct {
		return false
	}
	data, ok := event.Type.FieldByName("Data")
	return ok && takesAnyField(data.Type)
}

// shown returns the envelope without the event fields of the app's middleware.
func (a *adopted) shown(e *envelope.Envelope, fields eventFields) *envelope.Envelope {
	if !a.hides || len(fields) == 0 {
		return e
	}
	shown := *e
	shown.Event, shown.Events = fields.hide(e.Event), fields.hide(e.Events)
	return &shown
}

// configFromClient returns the configuration of a client of the SDK. What its options leave
// open is read from the environment.
func configFromClient(client inngestgo.Client) (Config, error) {
	c, err := ConfigFromEnv()
	if err != nil {
		return c, err
	}
	options := client.Options()
	c.AppID = client.AppID()
	if options.Dev != nil && *options.Dev != c.Dev {
		if c.Dev {
			// INNGEST_DEV may be the URL of a dev server, which does not apply here.
			c.BaseURL = os.Getenv("INNGEST_BASE_URL")
		}
		c.Dev = *options.Dev
	}
	override(&c.AppVersion, options.AppVersion)
	override(&c.SigningKey, (*Secret)(options.SigningKey))
	override(&c.SigningKeyFallback, (*Secret)(options.SigningKeyFallback))
	override(&c.EventKey, (*Secret)(options.EventKey))
	override(&c.Env, options.Env)
	override(&c.APIBaseURL, options.APIBaseURL)
	override(&c.EventAPIBaseURL, options.EventAPIBaseURL)
	if options.RegisterURL != nil {
		base, ok := strings.CutSuffix(*options.RegisterURL, inngestapi.AnnouncePath)
		if !ok || (options.APIBaseURL != nil && trimURL(*options.APIBaseURL) != base) {
			return c, errors.New("inngestkit: from client: the client's RegisterURL is not " + inngestapi.AnnouncePath +
				" of its APIBaseURL; leave RegisterURL out, and set APIBaseURL to the server's URL")
		}
		c.APIBaseURL = base
	}
	if u := options.URL; u != nil {
		c.ServeHost = u.Scheme + "://" + u.Host
		if u.Path != "" && u.Path != "/" {
			c.ServePath = u.Path
		}
	}
	if options.MaxBodySize > 0 {
		c.MaxBodyBytes = int64(options.MaxBodySize)
	}
	// If none is set, the SDK uses http.DefaultClient, which has no timeout.
	if options.HTTPClient != http.DefaultClient {
		c.HTTPClient = options.HTTPClient
	}
	if !isSDKDefault(options.Logger) {
		c.Logger = options.Logger
	}
	return c, nil
}

// isSDKDefault reports whether a logger is the SDK's default, which writes the colors of a
// terminal even to files. It is recognized by a function of the SDK in its options.
func isSDKDefault(l *slog.Logger) bool {
	handler := reflect.Indirect(reflect.ValueOf(l.Handler()))
	if handler.Kind() != reflect.Struct {
		return false
	}
	replace := handler.FieldByName("replaceAttr")
	if replace.Kind() != reflect.Func || replace.IsNil() {
		return false
	}
	made := runtime.FuncForPC(replace.Pointer())
	return made != nil && strings.HasPrefix(made.Name(), "github.com/inngest/inngestgo/")
}

// checkAdopted refuses the triggers that [App.Register] refuses: with them, the server
// would refuse the sync of the whole app, or run a debounced schedule repeatedly. A function
// without triggers is valid, because it can be invoked.
func checkAdopted(from []inngestgo.Trigger, o inngestgo.FunctionOpts) error {
	var errs []error
	refuse := func(field string, value any, reason string, args ...any) {
		problem := fnconfig.Problem{Field: field, Value: value, Reason: fmt.Sprintf(reason, args...)}
		errs = append(errs, errors.New(problem.String()))
	}
	triggers := make([]trigger, 0, len(from))
	for _, t := range from {
		switch {
		case t.CronTrigger != nil:
			// Schedules that differ only in jitter are equal. TZ=Local is the server's
			// zone, which the SDK assumes to be UTC.
			schedule := strings.Replace(t.Cron, "TZ=Local ", "TZ=UTC ", 1)
			triggers = append(triggers, trigger{cron: schedule, isCron: true})
			if t.Jitter == nil {
				continue
			}
			if jitter, err := time.ParseDuration(*t.Jitter); err == nil { // the server checks others
				checkJitter(jitter, refuse)
			}
		case t.EventTrigger != nil:
			triggers = append(triggers, trigger{event: t.Event, expression: t.Expression})
		default:
			triggers = append(triggers, trigger{})
		}
	}
	if len(triggers) > 0 {
		checkTriggers(triggers, refuse)
		checkTwice(triggers, refuse)
	}
	checkDebounce(o, triggers, refuse)
	return errors.Join(errs...)
}

// override sets a field to an option that is not nil.
func override[T any](field, option *T) {
	if option != nil {
		*field = *option
	}
}

// adoptedExpressions returns the expressions of a function of the SDK.
func adoptedExpressions(triggers []inngestgo.Trigger, o inngestgo.FunctionOpts) []fnconfig.Expression {
	var all adoptedList
	for _, t := range triggers {
		if t.EventTrigger != nil {
			all.add("If", t.Expression, nil)
		}
	}
	if o.Concurrency != nil {
		for _, limit := range o.Concurrency.Step {
			all.add("Concurrency.Key", limit.Key, nil)
		}
		for _, limit := range o.Concurrency.Fn {
			all.add("FnConcurrency.Key", limit.Key, nil)
		}
	}
	if o.RateLimit != nil {
		all.add("RateLimit.Key", o.RateLimit.Key, nil)
	}
	if o.Throttle != nil {
		all.add("Throttle.Key", o.Throttle.Key, nil)
	}
	if o.Debounce != nil {
		all.add("Debounce.Key", &o.Debounce.Key, nil)
	}
	if o.BatchEvents != nil {
		all.add("BatchEvents.Key", o.BatchEvents.Key, nil)
		all.add("BatchEvents.If", o.BatchEvents.If, nil)
	}
	if o.Singleton != nil {
		all.add("Singleton.Key", o.Singleton.Key, nil)
	}
	if o.Priority != nil {
		all.add("Priority", o.Priority.Run, nil)
	}
	all.add("Idempotency", o.Idempotency, nil)
	for _, c := range o.Cancel {
		all.add("CancelOn.If", c.If, &eventpath.Shape{Event: c.Event})
	}
	return all
}

type adoptedList []fnconfig.Expression

func (l *adoptedList) add(field string, text *string, async *eventpath.Shape) {
	if text == nil || *text == "" {
		return
	}
	e := eventpath.Expression{Text: *text, Events: []eventpath.Shape{{}}, Async: async}
	*l = append(*l, fnconfig.Expression{Field: field, Expression: e})
}
