package inngestkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// RegistrationError is one mistake in a function given to [App.Register].
type RegistrationError struct {
	// Function is the function's ID.
	Function string
	// Field is what is wrong: ID, Handler, Trigger, Cron, Event, or an option.
	Field string
	// Value is the refused value.
	Value any
	// Reason says which rule it breaks and what to do.
	Reason string
}

// Error implements error.
func (e *RegistrationError) Error() string {
	return fmt.Sprintf("inngestkit: function %q: %s %#v %s", e.Function, e.Field, e.Value, e.Reason)
}

// idPattern is what an ID may look like: it becomes part of URLs, of the
// server's queue keys and of metric labels.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// Register adds functions to the app, in the order given. It checks everything
// the server would refuse or silently change and returns all mistakes at once,
// joined; [errors.As] finds each as a [*RegistrationError]. With a mistake in
// any of them, none is added.
//
// Functions registered after the app was synced are called only after the next
// sync, so register before [App.Start].
func (a *App) Register(functions ...Function) error {
	a.registering.Lock()
	defer a.registering.Unlock()
	registered := a.registry.Load()
	var errs []error
	added := make([]*function, 0, len(functions))
	seen := map[string]bool{}
	for _, f := range functions {
		id := a.compositeID(f.id)
		config, problems := f.check()
		if seen[id] || registered.byID[id] != nil {
			problems = append(problems, taken(f.id))
		}
		seen[id] = true
		for _, p := range problems {
			errs = append(errs, &RegistrationError{Function: f.id, Field: p.Field, Value: p.Value, Reason: p.Reason})
		}
		if len(problems) > 0 {
			continue
		}
		fn, err := a.newFunction(id, f, config)
		if err != nil {
			errs = append(errs, fmt.Errorf("inngestkit: function %q: %w", f.id, err))
			continue
		}
		added = append(added, fn)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	a.registry.Store(registered.with(added))
	return nil
}

// registry is the functions of an app. It is never changed, only replaced, so
// that calls need no lock.
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

// compositeID is the ID under which the server knows a function of this app.
func (a *App) compositeID(functionID string) string { return a.config.AppID + "-" + functionID }

type problem = fnconfig.Problem

func taken(id string) problem {
	return problem{Field: "ID", Value: id, Reason: "is taken by another function of this app; IDs must differ"}
}

// check applies the options and collects what is wrong with the function.
func (f Function) check() (fnconfig.Config, []problem) {
	config := fnconfig.Config{}
	config.Options.ID = f.id
	if !idPattern.MatchString(f.id) {
		config.Refuse("ID", f.id, "is malformed; use letters, digits, '-', '_' and '.', beginning with a letter or digit")
	}
	if f.invoke == nil {
		config.Refuse("Handler", "nil", "is missing; make functions with OnEvent or OnCron and give them a handler")
	}
	if f.data != nil && !isObject(f.data) {
		config.Refuse("Event", f.data.String(), "cannot be event data, which is a JSON object; use a struct or a map")
	}
	checkTriggers(f.triggers, config.Refuse)
	for i, option := range f.options {
		if option == nil {
			config.Refuse("Option", i, "is nil; leave it out")
			continue
		}
		option.Apply(&config)
	}
	return config, config.Problems
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
