package inngestkit

import (
	"reflect"
	"slices"
	"time"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// Limits of the Inngest server, from its source (pkg/consts and pkg/inngest) and
// its documentation.
const (
	maxTriggers   = 10
	maxNameLength = 255
)

// Trigger determines what starts a function whose event data has type T: an event (an
// [EventType] is a Trigger), an event with a condition ([EventType.If]), a schedule ([Cron]),
// or several of these ([AnyOf], [AnyOfTypes]).
type Trigger[T any] interface {
	AnyTrigger
	// of mentions T, so that the compiler accepts only triggers of the function's data type.
	of(zero T)
}

// AnyTrigger is a [Trigger] of any data type, for [AnyOfTypes].
type AnyTrigger interface {
	triggers() []trigger
}

// AnyOf returns a trigger that starts a function on each of several events with the
// same data type, or on each of several schedules. The function tells the events apart by
// in.Event.Name. The server accepts up to 10 triggers, all different.
func AnyOf[T any](triggers ...Trigger[T]) Trigger[T] {
	all := make(anyOf[T], len(triggers))
	for i, t := range triggers {
		all[i] = t
	}
	return all
}

// AnyOfTypes returns a trigger that starts a function on each of several events whose
// data has different Go types, and on schedules. Each event arrives with its data decoded
// into its own type, so that a type switch tells them apart:
//
//	switch data := in.Event.Data.(type) {
//	case Login:
//		…
//	case Purchase:
//		…
//	case inngestkit.CronData:
//		…
//	}
//
// Events that share a Go type are told apart by in.Event.Name. In a run started by
// step.Invoke, whose event is named "inngest/function.invoked", the data is a
// [json.RawMessage].
//
// Paths in the function's expressions must exist in the data of every event.
func AnyOfTypes(triggers ...AnyTrigger) Trigger[any] {
	return anyOf[any](slices.Clone(triggers))
}

// trigger is one event or one schedule.
type trigger struct {
	event      string
	expression *string
	cron       string
	isCron     bool
	jitter     time.Duration
	// shape is what is known about the event's data.
	shape eventpath.Shape
}

func (EventType[T]) of(T) {}

func (e EventType[T]) triggers() []trigger {
	return []trigger{{event: e.name, shape: eventpath.ShapeOf(e)}}
}

type conditional[T any] struct{ trigger }

func (conditional[T]) of(T) {}

func (c conditional[T]) triggers() []trigger { return []trigger{c.trigger} }

type anyOf[T any] []AnyTrigger

func (anyOf[T]) of(T) {}

func (a anyOf[T]) triggers() []trigger {
	var all []trigger
	for _, t := range a {
		if t == nil {
			all = append(all, trigger{})
			continue
		}
		all = append(all, t.triggers()...)
	}
	return all
}

// triggersOf returns the triggers that t, which may be nil, consists of.
func triggersOf(t AnyTrigger) []trigger {
	if t == nil {
		return nil
	}
	return t.triggers()
}

// sdk returns the trigger in the SDK's form.
func (t trigger) sdk() inngestgo.Trigger {
	switch {
	case t.isCron && t.jitter > 0:
		return inngestgo.CronTriggerWithJitter(t.cron, t.jitter)
	case t.isCron:
		return inngestgo.CronTrigger(t.cron)
	}
	return inngestgo.EventTrigger(t.event, t.expression)
}

// checkTriggers reports each mistake in the triggers of a function that the server would
// refuse.
func checkTriggers(triggers []trigger, refuse func(field string, value any, reason string, args ...any)) {
	if len(triggers) == 0 {
		refuse("Trigger", nil, "is missing; give the function at least one event or schedule")
	}
	if len(triggers) > maxTriggers {
		refuse("Trigger", len(triggers), "is too many; a function has at most %d triggers", maxTriggers)
	}
	for _, t := range triggers {
		problem := eventpath.NameProblem(t.event)
		switch {
		case t.isCron:
			checkCron(t.cron, refuse)
		case t.event == "":
			refuse("Trigger", nil, "is nil, or an event without a name; define events with DefineEvent and a name")
		case len(t.event) > maxNameLength:
			refuse("Trigger", t.event, "is too long: the name of an event has at most %d bytes, this one has %d",
				maxNameLength, len(t.event))
		case problem != "":
			refuse("Trigger", t.event, "%s", problem)
		}
		if t.expression != nil && *t.expression == "" {
			refuse("If", "", "the condition of event %q is empty; leave If out to run on every event", t.event)
		}
	}
}

// checkTwice refuses equal triggers. The schedules must contain their time zones, because the
// server compares them in that form.
func checkTwice(triggers []trigger, refuse func(field string, value any, reason string, args ...any)) {
	for i, t := range triggers {
		same := func(other trigger) bool {
			other.shape = t.shape // the server does not know it
			return reflect.DeepEqual(t, other)
		}
		if slices.ContainsFunc(triggers[:i], same) {
			refuse("Trigger", t.event+t.cron, "is given twice; give it once")
		}
	}
}
