package inngestkit

import (
	"errors"
	"reflect"
	"strings"

	"github.com/inngest/inngestgo"
	"github.com/robfig/cron/v3"
)

// Limits of the Inngest server, from its source (pkg/consts and pkg/inngest) and
// its documentation.
const (
	maxTriggers   = 10
	maxNameLength = 255
)

// Trigger is what starts a function whose event data is of type T: an
// [EventType], one with a condition ([EventType.If]), or several ([AnyOf]).
type Trigger[T any] interface {
	// triggers names T so that only a trigger of the function's data type fits.
	triggers(zero T) []trigger
}

// AnyOf returns a trigger that starts a function on each of several events with
// the same data type; the function tells them apart by in.Event.Name. The server
// accepts at most 10.
func AnyOf[T any](triggers ...Trigger[T]) Trigger[T] {
	return anyOf[T](triggers)
}

// trigger is one event or one schedule.
type trigger struct {
	event      string
	expression *string
	cron       string
	isCron     bool
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
	if t.isCron {
		return inngestgo.CronTrigger(t.cron)
	}
	return inngestgo.EventTrigger(t.event, t.expression)
}

// cronParser reads schedules as the server does: five fields, no @daily.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// checkTriggers reports everything the server would refuse about the triggers
// of one function.
func checkTriggers(triggers []trigger, refuse func(field string, value any, reason string, args ...any)) {
	if len(triggers) == 0 {
		refuse("Trigger", "none", "give the function at least one event or schedule")
	}
	if len(triggers) > maxTriggers {
		refuse("Trigger", len(triggers), "a function has at most %d triggers", maxTriggers)
	}
	seen := make([]trigger, 0, len(triggers))
	for _, t := range triggers {
		for _, other := range seen {
			if reflect.DeepEqual(t, other) {
				refuse("Trigger", t.event+t.cron, "is given twice; give it once")
			}
		}
		seen = append(seen, t)
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

func checkCron(schedule string, refuse func(field string, value any, reason string, args ...any)) {
	if len(schedule) > maxNameLength {
		refuse("Cron", schedule, "a schedule has at most %d bytes, this one has %d", maxNameLength, len(schedule))
		return
	}
	if err := parseCron(schedule); err != nil {
		refuse("Cron", schedule,
			`is no schedule of five fields such as "0 9 * * *", with "TZ=Europe/Paris " before it if need be: %v`, err)
	}
}

func parseCron(schedule string) error {
	// The parser panics on a time zone with nothing behind it.
	if strings.HasPrefix(schedule, "TZ=") || strings.HasPrefix(schedule, "CRON_TZ=") {
		if !strings.Contains(schedule, " ") {
			return errors.New("a time zone without fields")
		}
	}
	_, err := cronParser.Parse(schedule)
	return err
}
