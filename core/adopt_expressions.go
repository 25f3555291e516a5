package inngestkit

import (
	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// adoptedExpressions are the expressions of a function of the SDK.
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
