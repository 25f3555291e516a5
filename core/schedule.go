package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// The server's limits on the jitter of a schedule, MinCronJitter and
// MaxCronJitter of its pkg/inngest/trigger.go.
const (
	minJitter = time.Second
	maxJitter = 5 * time.Minute
)

// scheduledEvent is the name of the event that starts a scheduled run.
const scheduledEvent = "inngest/scheduled.timer"

// CronData is the data of the event "inngest/scheduled.timer", with which the server
// starts a scheduled run.
type CronData struct {
	// Cron is the schedule that fired, with its time zone: "TZ=Europe/Paris 0 9 * * *".
	Cron string `json:"cron"`
	// ScheduledAt is the time according to the schedule, in UTC and whole seconds. It is
	// zero with servers before 1.18.
	ScheduledAt time.Time `json:"scheduledAt,omitzero"`
	// FireAt is ScheduledAt plus the run's [Jitter]. It is zero with servers before 1.18.
	FireAt time.Time `json:"fireAt,omitzero"`
}

// CronInput is the [Input] of a function that [OnCron] makes.
type CronInput = Input[CronData]

// OnCron returns the function id, which runs handler on schedule. A schedule has five
// fields (minute, hour, day, month, weekday) and is in UTC, unless the
// option [TimeZone] or a prefix, as in "TZ=Europe/Paris 0 9 * * *", names a time zone.
// in.Event.Data tells the handler which schedule fired, and when.
//
// For a function with several schedules, use [OnEvent] with [AnyOf] and [Cron]; for one
// with events and schedules, use it with [AnyOfTypes].
//
// Servers from 1.13 on treat a scheduled run that may not start now as failed, and retry
// it with growing pauses for about a day. flow.Singleton with flow.SingletonSkip,
// flow.RateLimit and flow.Idempotency therefore delay scheduled runs instead of dropping
// them, flow.BatchEvents does not affect them, and flow.Debounce is refused. Runs started
// by events are dropped, batched and debounced as usual.
func OnCron[R any](
	id, schedule string,
	handler func(ctx context.Context, in CronInput) (R, error),
	options ...Option,
) TypedFunction[CronData, R] {
	return OnEvent(id, Cron(schedule), handler, options...)
}

// Cron returns a trigger that starts a function on schedule, written as for [OnCron].
// Several schedules of one function are combined with [AnyOf], schedules and events with
// [AnyOfTypes]:
//
//	inngestkit.AnyOf(inngestkit.Cron("0 9 * * 1-5"), inngestkit.Cron("0 12 * * 6"))
//
// If several schedules of a function fire at the same time, the server starts one run, for
// any one of them. Define a function for each schedule if all of them must run.
func Cron(schedule string) Trigger[CronData] { return cronTrigger(schedule) }

type cronTrigger string

func (cronTrigger) of(CronData) {}

func (c cronTrigger) triggers() []trigger {
	return []trigger{{
		cron: string(c), isCron: true,
		shape: eventpath.Shape{Event: scheduledEvent, Type: reflect.TypeFor[CronData]()},
	}}
}

// TimeZone sets the time zone of the function's schedules by its IANA name:
// TimeZone("Europe/Paris"). The default is UTC. It cannot be combined with a schedule that
// names a time zone itself, with "TZ=". On a group, it applies to the functions that have
// a schedule without a time zone of its own.
func TimeZone(name string) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.SetOnce("TimeZone", name) {
			return
		}
		if reason := whyNoZone(name); reason != "" {
			c.Refuse("TimeZone", name, "%s", reason)
			return
		}
		c.TimeZone = name
	})
}

// whyNoZone returns why name cannot be a time zone, "" if it can.
func whyNoZone(name string) string {
	switch name {
	case "":
		return "is empty; leave the option out for UTC"
	case "Local":
		return `is the zone of the Inngest server, not of the app; give a name such as "Europe/Paris"`
	}
	if _, err := time.LoadLocation(name); err != nil {
		return `is not in this machine's time zone database; give a name such as "Europe/Paris", ` +
			`or import time/tzdata if the machine has no database: ` + err.Error()
	}
	return ""
}

// Jitter delays each run of the function's schedules by between 1 s and d, so
// that not all functions start in the same second. d is from 1 s to 5 min. The default, 0,
// means no delay. Servers before 1.18 ignore it. On a group, it applies to the functions
// that have a schedule.
func Jitter(d time.Duration) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.SetOnce("Jitter", d.String()) {
			return
		}
		if checkJitter(d, c.Refuse) {
			c.Jitter = d
		}
	})
}

func checkJitter(d time.Duration, refuse func(field string, value any, reason string, args ...any)) bool {
	if d == 0 || (d >= minJitter && d <= maxJitter) {
		return true
	}
	refuse("Jitter", d.String(), "is out of range; it must be 0, or from %s to %s", minJitter, maxJitter)
	return false
}

// scheduled returns the triggers with the options for schedules applied to them.
func scheduled(triggers []trigger, c *fnconfig.Config) []trigger {
	triggers = slices.Clone(triggers)
	schedules := 0
	for i := range triggers {
		if t := &triggers[i]; t.isCron {
			schedules++
			t.jitter = c.Jitter
			t.cron = inZone(t.cron, c)
		}
	}
	const reason = "is for schedules, and the function has none; leave it out"
	if schedules == 0 && c.SetByFunction("TimeZone") {
		c.Refuse("TimeZone", c.TimeZone, reason)
	}
	if schedules == 0 && c.SetByFunction("Jitter") {
		c.Refuse("Jitter", c.Jitter.String(), reason)
	}
	return triggers
}

// inZone returns the schedule with the time zone of the options, unless it names one
// itself. That is an error with the function's own option, and takes precedence over the
// option of a group.
func inZone(schedule string, c *fnconfig.Config) string {
	switch {
	case c.TimeZone == "":
		return schedule
	case hasZone(schedule):
		if c.SetByFunction("TimeZone") {
			c.Refuse("TimeZone", c.TimeZone, "cannot be combined with the schedule %q, "+
				"which names one itself; leave out one of them", schedule)
		}
		return schedule
	}
	zoned := zonePrefix + c.TimeZone + " " + schedule
	if len(zoned) > maxNameLength && len(schedule) <= maxNameLength {
		c.Refuse("Cron", zoned, "is too long: a schedule has at most %d bytes, this one has %d with its time zone",
			maxNameLength, len(zoned))
	}
	return zoned
}

const zonePrefix = "TZ="

// hasZone reports whether a schedule names its time zone, in either of the parser's two
// forms.
func hasZone(schedule string) bool {
	return strings.HasPrefix(schedule, zonePrefix) || strings.HasPrefix(schedule, "CRON_"+zonePrefix)
}

// cronParser reads schedules as the server does: five fields, no @daily.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

func checkCron(schedule string, refuse func(field string, value any, reason string, args ...any)) {
	if len(schedule) > maxNameLength {
		refuse("Cron", schedule, "is too long: a schedule has at most %d bytes, this one has %d", maxNameLength, len(schedule))
		return
	}
	parsed, err := parseCron(schedule)
	if err != nil {
		refuse("Cron", schedule,
			`is not a five-field schedule such as "0 9 * * *" or "TZ=Europe/Paris 0 9 * * *": %v`, err)
		return
	}
	// The parser searches the next five years, and so does the server, which would never
	// start the function (ScheduleNext in its pkg/execution/cron/manager.go).
	if parsed.Next(time.Now()).IsZero() {
		refuse("Cron", schedule, "never fires: its months lack its day of the month; choose another day or month")
	}
}

func parseCron(schedule string) (cron.Schedule, error) {
	// The parser panics on a time zone without fields after it.
	if hasZone(schedule) && !strings.Contains(schedule, " ") {
		return nil, errors.New("a time zone without fields")
	}
	if hasZone(schedule) {
		_, zone, _ := strings.Cut(strings.Fields(schedule)[0], "=")
		if reason := whyNoZone(zone); zone != "" && reason != "" {
			return nil, fmt.Errorf("the time zone %q %s", zone, reason)
		}
	}
	return cronParser.Parse(schedule)
}
