package inngestkit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// RegistrationError is one mistake in a function given to [App.Register].
type RegistrationError struct {
	// Function is the function's ID.
	Function string
	// Field is what is wrong: ID, Handler, Trigger, Cron, Event, or an option.
	Field string
	// Value is the refused value, nil if something is missing.
	Value any
	// Reason says which rule the value breaks and what to do.
	Reason string
}

// Error returns the function, the field, the value and the reason in one line.
func (e *RegistrationError) Error() string {
	p := fnconfig.Problem{Field: e.Field, Value: e.Value, Reason: e.Reason}
	return fmt.Sprintf("inngestkit: function %q: %s", e.Function, p)
}

// idPattern matches valid IDs. An ID becomes part of URLs, of the server's queue keys and
// of metric labels.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// Register adds functions to the app, in the order given. It checks everything that the
// server would refuse or silently change, and returns all mistakes joined in one error;
// [errors.As] finds the first as a [*RegistrationError]. If any function has a mistake,
// none is added.
//
// Register functions before the app is synced. The server calls those registered later
// only after the next sync: in dev mode [App.Start] syncs within seconds, otherwise
// [App.Sync] or a deployment does.
func (a *App) Register(functions ...Function) error {
	a.registering.Lock()
	defer a.registering.Unlock()
	r := registrar{app: a, registered: a.registry.Load(), seen: map[string]bool{}}
	for _, f := range functions {
		if f == nil {
			r.refuse("", problem{Field: "Function", Reason: "is nil; leave it out"})
			continue
		}
		r.add(f.definition())
	}
	if len(r.errs) > 0 {
		return errors.Join(r.errs...)
	}
	a.registry.Store(r.registered.with(r.added))
	return nil
}

// registrar holds the state of one call of Register.
type registrar struct {
	app        *App
	registered *registry
	seen       map[string]bool
	added      []*function
	errs       []error
}

func (r *registrar) refuse(functionID string, problems ...problem) {
	for _, p := range problems {
		r.errs = append(r.errs, &RegistrationError{Function: functionID, Field: p.Field, Value: p.Value, Reason: p.Reason})
	}
}

// add checks and adds a function, and then its failure handler.
func (r *registrar) add(def definition) {
	id := r.app.compositeID(def.id)
	options := def.check()
	failed, hasFailed := failureOf(def, id, options)
	if r.seen[id] || r.registered.byID[id] != nil {
		options.Problems = append(options.Problems, taken(def.id))
	}
	r.seen[id] = true
	r.refuse(def.id, options.Problems...)
	if len(options.Problems) == 0 {
		fn, err := r.app.newFunction(id, def, options)
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("inngestkit: function %q: %w", def.id, err))
			return
		}
		r.added = append(r.added, fn)
	}
	if hasFailed {
		r.add(failed)
	}
}

// registry holds the functions of an app. It is replaced and never changed, so calls need
// no lock.
type registry struct {
	byID  map[string]*function
	order []*function
}

func (r *registry) with(added []*function) *registry {
	next := &registry{byID: maps.Clone(r.byID), order: slices.Concat(r.order, added)}
	for _, f := range added {
		next.byID[f.id] = f
	}
	return next
}

// compositeID returns the ID under which the server knows a function of this app.
func (a *App) compositeID(functionID string) string { return a.config.AppID + "-" + functionID }

type problem = fnconfig.Problem

func taken(id string) problem {
	return problem{Field: "ID", Value: id, Reason: "is taken by another function of this app; IDs must differ"}
}

// check applies the options to the function and its triggers, the function's own first and
// then those of its groups, and collects all mistakes.
func (d *definition) check() *functionOptions {
	o := &functionOptions{}
	o.Options.ID, o.Options.Name = d.id, d.name
	if !idPattern.MatchString(d.id) {
		o.Refuse("ID", d.id, "is malformed; use letters, digits, '-', '_' and '.', beginning with a letter or digit")
	}
	if d.invoke == nil {
		o.Refuse("Handler", nil, "is missing; make functions with OnEvent or OnCron and give them a handler")
	}
	d.checkTypes(&o.Config)
	checkTriggers(d.triggers, o.Refuse)
	o.applyLevel(d.options)
	for _, options := range d.outer {
		o.NextLevel()
		o.applyLevel(options)
	}
	o.middleware = slices.Concat(d.middleware, o.middleware)
	d.triggers = scheduled(d.triggers, &o.Config)
	checkTwice(d.triggers, o.Refuse)
	checkCombinations(&o.Config, d.triggers)
	d.checkExpressions(&o.Config)
	return o
}

// applyLevel applies the options of one level, whose middleware goes around that of the
// levels before.
func (o *functionOptions) applyLevel(options []Option) {
	inner := o.middleware
	o.middleware = nil
	for i, option := range options {
		switch {
		case option == nil:
			o.Refuse("Option", i, "is nil; leave it out")
		case !o.apply(option):
			o.Refuse("Option", fmt.Sprintf("%T", option), "is not an option of package inngestkit or flow")
		}
	}
	o.middleware = append(o.middleware, inner...)
}

// checkTypes reports Go types whose values JSON would lose.
func (d *definition) checkTypes(config *fnconfig.Config) {
	if d.data != nil {
		checkEventType(d.data, config)
	}
	types := map[string]reflect.Type{}
	for _, t := range d.triggers {
		data := t.shape.Type
		if data == nil || data == d.data {
			continue
		}
		before, seen := types[t.event]
		switch {
		case !seen:
			checkEventType(data, config)
			types[t.event] = data
		case before != data:
			config.Refuse("Trigger", t.event, "has two Go types for its data, %v and %v; use one", before, data)
		}
	}
	if d.output != nil {
		facts := jsontype.Of(d.output)
		if reason := cmp.Or(facts.Encoding, facts.Empty, facts.Lost); reason != "" {
			config.Refuse("Handler", d.output.String(), "cannot be the output, which is JSON: %s", reason)
		}
	}
}

// checkEventType reports a Go type that cannot be that of event data.
func checkEventType(data reflect.Type, config *fnconfig.Config) {
	facts := jsontype.Of(data)
	reason := cmp.Or(facts.Decoding, facts.Empty)
	switch {
	case !isObject(data):
		config.Refuse("Event", data.String(), "cannot be event data, which is a JSON object; use a struct or a map")
	case reason != "":
		config.Refuse("Event", data.String(),
			"cannot be event data: %s; use a struct with exported fields, or a map", reason)
	}
}

// isObject reports whether values of type t can be decoded from a JSON object.
func isObject(t reflect.Type) bool {
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer:
		return isObject(t.Elem())
	default:
		return false
	}
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// checkCombinations refuses options that exclude each other. The server refuses
// batches with cancellation, debounce, singleton or priority (pkg/inngest/function.go,
// Function.Validate). In the other pairs it silently drops one option: it adds an event to
// its batch before it checks rate limits (pkg/execution/runner/runner.go, initialize), and
// it treats an idempotency key as a rate limit, which replaces the function's own
// (pkg/sdk/function.go, SDKFunction.Function).
func checkCombinations(c *fnconfig.Config, triggers []trigger) {
	o := c.Options
	checkDebounce(o, triggers, c.Refuse)
	if batch := o.BatchEvents; batch != nil {
		for _, other := range []struct {
			name string
			set  bool
			why  string
		}{
			{"CancelOn", len(o.Cancel) > 0, serverRefuses},
			{"Debounce", o.Debounce != nil, serverRefuses},
			{"Singleton", o.Singleton != nil, serverRefuses},
			{"Priority", o.Priority != nil, serverRefuses},
			{"RateLimit", o.RateLimit != nil, "it would not limit batches"},
			{"Idempotency", o.Idempotency != nil, "it would not apply to events in batches"},
		} {
			if other.set {
				c.Refuse("BatchEvents", batch.MaxSize, "cannot be combined with %s: %s; leave out one of them",
					other.name, other.why)
			}
		}
	}
	if o.Idempotency != nil && o.RateLimit != nil {
		c.Refuse("Idempotency", *o.Idempotency, "cannot be combined with RateLimit: "+
			"the server treats it as a rate limit of one run in 24 h, which replaces the other; leave out one of them")
	}
}

// checkDebounce refuses a debounced schedule. Servers from 1.13.0 on treat a scheduled run
// that is delayed as failed (handleCron in pkg/execution/executor/service.go): their queue
// starts it again, which delays one more run, up to 21 times.
func checkDebounce(
	o inngestgo.FunctionOpts, triggers []trigger, refuse func(field string, value any, reason string, args ...any),
) {
	if o.Debounce != nil && slices.ContainsFunc(triggers, func(t trigger) bool { return t.isCron }) {
		refuse("Debounce", o.Debounce.Period.String(), "cannot be combined with a schedule: "+
			"servers from 1.13 on run a debounced schedule repeatedly; leave out one of them")
	}
}

const serverRefuses = "the server refuses functions with both"
