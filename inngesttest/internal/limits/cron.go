package limits

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// A Schedule is the parsed cron text of a trigger.
type Schedule struct {
	text     string
	schedule cron.Schedule
}

// scheduleParser parses as the server does at a sync: five fields, without names such as
// "@hourly" (CronTrigger.Validate in pkg/inngest of the server).
var scheduleParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// ParseSchedule parses a cron text of five fields, with or without a time zone in front:
// "TZ=Europe/Paris 0 9 * * *".
func ParseSchedule(text string) (*Schedule, error) {
	schedule, err := scheduleParser.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w; it has five fields: minute, hour, day, month, weekday", text, err)
	}
	return &Schedule{text: text, schedule: schedule}, nil
}

// Next returns the first time of the schedule after t, in UTC, and false if it has none
// within five years, as "0 0 30 2 *" has. A schedule without a time zone is in UTC. (The
// server takes its own time zone, which is UTC in production.)
func (s *Schedule) Next(t time.Time) (next time.Time, ok bool) {
	next = s.schedule.Next(t.UTC())
	return next.UTC(), !next.IsZero()
}

// minJitter is MinCronJitter in pkg/inngest of the server.
const minJitter = time.Second

// Jitter returns by how much a run of the schedule is late: from 1 s to below limit, always
// the same for the same seed. A limit of 0 means none. The server hashes IDs of its own, so
// its numbers differ. [version.Oldest] ignores jitter.
func Jitter(v version.Version, seed string, limit time.Duration) time.Duration {
	if limit <= 0 || v == version.Oldest {
		return 0
	}
	if limit <= minJitter {
		return minJitter
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(seed)) // never fails
	return minJitter + time.Duration(hash.Sum32())*time.Microsecond%(limit-minJitter)
}

// A ScheduledEvent is the event "inngest/scheduled.timer" of a scheduled run.
type ScheduledEvent struct {
	ID   string
	Time time.Time
	Data map[string]any
}

// Event returns the event of the run for scheduledAt, which [Schedule.Next] returned.
// Schedules of a function that fire in the same minute have events with the same ID, so
// only one of them starts a run.
//
// [version.Oldest] tells the function which schedule fired, and [version.Newest] when,
// too.
func (s *Schedule) Event(v version.Version, scheduledAt time.Time, jitter time.Duration) ScheduledEvent {
	scheduled, fire := scheduledAt.UTC(), scheduledAt.UTC().Add(jitter)
	event := ScheduledEvent{
		ID:   scheduled.Format(time.RFC3339),
		Time: fire,
		Data: map[string]any{"cron": s.text},
	}
	if v == version.Newest {
		event.Data["scheduledAt"] = scheduled.Format(time.RFC3339)
		event.Data["fireAt"] = fire.Format(time.RFC3339)
	}
	return event
}
