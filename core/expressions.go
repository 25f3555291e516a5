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
	// Field is the option that has it, as in [RegistrationError]: If, RateLimit.Key,
	// CancelOn.Match, and so on.
	Field string
	// Text is the expression as the server gets it, also for a Match.
	Text string

	known eventpath.Expression
}

// TwoEvents reports whether the expression is over two events, event and async, instead of
// event alone. In such an expression the server accepts no macros and few functions.
func (e Expression) TwoEvents() bool { return e.known.Async != nil }

// Check returns an error for a mistake that is visible without a parser, nil if there is
// none. [App.Register] refuses the same mistakes; [FromClient] does not.
func (e Expression) Check() error {
	if problem := e.known.Problem(); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// CheckPath returns an error if, by the Go types of the events, nothing exists at path, a
// path of the expression such as event.data.items[0].id. It returns nil if something
// exists there or may exist.
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

// Expressions returns the expressions of all functions in order of registration, for
// checks beyond those of [App.Register]; module contrib/cel has some. The event types of
// functions adopted by [FromClient] are not known. The conditions of step.WaitForEvent are
// not included, since they are known only when it is called.
func (a *App) Expressions() []Expression {
	var all []Expression
	for _, f := range a.registry.Load().order {
		for _, e := range f.expressions {
			all = append(all, Expression{FunctionID: f.source.id, Field: e.Field, Text: e.Full(), known: e.Expression})
		}
	}
	return all
}

// checkExpressions completes the expressions of the options with those of the triggers and
// with the events that start the function, and refuses mistaken ones.
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
