package inngestkit

import (
	"errors"
	"fmt"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Expression is one expression of a function, in the Common Expression Language; see
// [App.Expressions].
type Expression struct {
	// FunctionID is the ID of the function within its app.
	FunctionID string
	// Field is the option it was given with, as in [RegistrationError]: If, RateLimit.Key,
	// CancelOn.Match, and so on.
	Field string
	// Text is the expression as the server gets it, of a Match too.
	Text string

	known eventpath.Expression
}

// TwoEvents reports whether the expression is over two events, event and async, and not
// over event alone. The server takes no macros and few functions in such a one.
func (e Expression) TwoEvents() bool { return e.known.Async != nil }

// Check returns an error that tells what is wrong with the expression, as far as that can
// be seen without a parser: what App.Register refuses, and of functions that [FromClient]
// has adopted lets pass. It returns nil if it sees nothing.
func (e Expression) Check() error {
	if problem := e.known.Problem(); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// CheckPath returns an error that tells why there is nothing at path, a path of the
// expression such as event.data.items[0].id, by the Go types of the events. It returns
// nil if there is or may be something.
func (e Expression) CheckPath(path string) error {
	parsed, ok := eventpath.Parse(path)
	if !ok {
		return fmt.Errorf("has %q, which is not a path such as event.data.userId", path)
	}
	if parsed.Root != eventpath.Event && parsed.Root != eventpath.Async {
		return fmt.Errorf("has %q, which does not begin with event", path)
	}
	if problem := e.known.PathProblem(parsed); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// Expressions returns the expressions of the functions, in the order in which these were
// registered, for those who want to check more of them than [App.Register] does. Of
// functions that [FromClient] has adopted, the types of the events are not known.
// Conditions of step.WaitForEvent are known only when it is called.
func (a *App) Expressions() []Expression {
	var all []Expression
	for _, f := range a.registry.Load().order {
		for _, e := range f.expressions {
			all = append(all, Expression{FunctionID: f.source.id, Field: e.Field, Text: e.Full(), known: e.Expression})
		}
	}
	return all
}

// checkExpressions completes the expressions of the options with those of the triggers
// and with the events that start the function, and refuses those that cannot mean what
// they say.
func (d *definition) checkExpressions(config *fnconfig.Config) {
	var all []fnconfig.Expression
	for _, t := range d.triggers {
		if t.expression != nil && *t.expression != "" {
			e := eventpath.Expression{Text: *t.expression, Events: []eventpath.Shape{t.shape}}
			all = append(all, fnconfig.Expression{Field: "If", Expression: e})
		}
	}
	shapes := d.shapes()
	for _, e := range config.Expressions {
		e.Events = shapes
		all = append(all, e)
	}
	config.Expressions = all
	for _, e := range all {
		if problem := e.Problem(); problem != "" {
			config.Refuse(e.Field, e.Text, "%s", problem)
		}
	}
}

// shapes returns what is known of the events that start the function. For a function with
// events and schedules, these are the events: a key that a scheduled run does not have
// does not affect that run.
func (d *definition) shapes() []eventpath.Shape {
	var events, schedules []eventpath.Shape
	for _, t := range d.triggers {
		switch {
		case t.isCron:
			schedules = append(schedules, t.shape)
		case t.event != "":
			events = append(events, t.shape)
		}
	}
	if len(events) == 0 && len(schedules) > 0 {
		return schedules[:1]
	}
	return events
}
