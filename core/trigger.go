package inngestkit

import (
	"reflect"
	"slices"
	"time"

	"github.com/inngest/inngestgo"
)

// Limits of the Inngest server, from its source (pkg/consts and pkg/inngest) and
// its documentation.
const (
	maxTriggers   = 10
	maxNameLength = 255
)

// Trigger is what starts a function whose event data is of type T: an
// [EventType], one with a condition ([EventType.If]), a schedule ([Cron]), or
// several of them ([AnyOf]).
type Trigger[T any] interface {
	// triggers names T so that only a trigger of the function's data type fits.
	triggers(zero T) []trigger
}

// AnyOf returns a trigger that starts a function on each of several triggers with
// the same data type, events and schedules; the function tells them apart by
// in.Event.Name. The server accepts at most 10, none of them twice.
func AnyOf[T any](triggers ...Trigger[T]) Trigger[T] {
	return anyOf[T](triggers)
}

// trigger is one event or one schedule.
type trigger struct {
	event      string
	expression *string
	cron       string
	isCron     bool
	jitter     time.Duration
}

func (e EventType[T]) triggers(T) []trigger { return []trigger{{event: e.name}} }

type conditional[T any] struct{ trigger }

func (c conditional[T]) triggers(T) []trigger { return []trigger{c.trigger} }

type anyOf[T any] []Trigger[T]

func (a anyOf[T]) triggers(zero T) []trigger {
	var all []trigger
	for _, t := range a {
		if t == nil {
			all = append(all, trigger{})
			continue
		}
		all = append(all, t.triggers(zero)...)
	}
	return all
}

// sdk is the trigger in the SDK's form.
func (t trigger) sdk() inngestgo.Trigger {
	switch {
	case t.isCron && t.jitter > 0:
		return inngestgo.CronTriggerWithJitter(t.cron, t.jitter)
	case t.isCron:
		return inngestgo.CronTrigger(t.cron)
	}
	return inngestgo.EventTrigger(t.event, t.expression)
}

// checkTriggers reports everything the server would refuse about the triggers
// of one function.
func checkTriggers(triggers []trigger, refuse func(field string, value any, reason string, args ...any)) {
	if len(triggers) == 0 {
		refuse("Trigger", "none", "give the function at least one event or schedule")
	}
	if len(triggers) > maxTriggers {
		refuse("Trigger", len(triggers), "a function has at most %d triggers", maxTriggers)
	}
	for _, t := range triggers {
		switch {
		case t.isCron:
			checkCron(t.cron, refuse)
		case t.event == "":
			refuse("Trigger", t.event, "the event needs a name")
		case len(t.event) > maxNameLength:
			refuse("Trigger", t.event, "an event name has at most %d bytes, this one has %d", maxNameLength, len(t.event))
		}
		if t.expression != nil && *t.expression == "" {
			refuse("If", "", "the condition of event %q is empty; leave If out to run on every event", t.event)
		}
	}
}

// checkTwice refuses equal triggers, which are equal to the server too only with
// the time zones of their schedules written out.
func checkTwice(triggers []trigger, refuse func(field string, value any, reason string, args ...any)) {
	for i, t := range triggers {
		same := func(other trigger) bool { return reflect.DeepEqual(t, other) }
		if slices.ContainsFunc(triggers[:i], same) {
			refuse("Trigger", t.event+t.cron, "is given twice; give it once")
		}
	}
}
