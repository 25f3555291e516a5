package inngestkit

import (
	"reflect"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// scheduledEvent is the event of a run that a schedule has started.
const scheduledEvent = "inngest/scheduled.timer"

// scheduledData is the data of that event; servers up to 1.17 send cron alone.
type scheduledData struct {
	Cron        string `json:"cron"`
	ScheduledAt string `json:"scheduledAt"`
	FireAt      string `json:"fireAt"`
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

// shapes tells what is known of the events that start the function. Of a function with
// events and schedules they are the events: a key that a scheduled run does not have
// leaves that run alone. Of one with schedules alone they are the schedule's own event,
// whose data is the function's own if the function is invoked.
func (d *definition) shapes() []eventpath.Shape {
	var events []eventpath.Shape
	for _, t := range d.triggers {
		if !t.isCron && t.event != "" {
			events = append(events, t.shape)
		}
	}
	if len(events) > 0 || !slices.ContainsFunc(d.triggers, func(t trigger) bool { return t.isCron }) {
		return events
	}
	scheduled := eventpath.Shape{Event: scheduledEvent, Type: reflect.TypeFor[scheduledData]()}
	if d.data != nil && d.data.Kind() != reflect.Interface {
		scheduled.Also = d.data
	}
	return []eventpath.Shape{scheduled}
}
