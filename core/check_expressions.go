package inngestkit

import (
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

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
