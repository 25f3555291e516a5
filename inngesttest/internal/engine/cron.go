package engine

import (
	"fmt"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// maxCronRuns is how many scheduled runs may start while time advances once. A year of a
// schedule of every minute would be 525,600.
const maxCronRuns = 10_000

// scheduleCrons lets the schedules of an app fire. Those of its earlier functions end.
func (e *Engine) scheduleCrons(a *App) {
	for it, fn := range e.crons {
		if fn.App.ID == a.ID {
			e.drop(it)
			delete(e.crons, it)
		}
	}
	for _, fn := range e.order {
		if fn.App != a {
			continue
		}
		for _, t := range fn.Triggers {
			if t.schedule != nil {
				e.scheduleCron(fn, t, e.clock.now())
			}
		}
	}
}

// scheduleCron lets a schedule fire at its next time after t.
func (e *Engine) scheduleCron(fn *Function, t Trigger, after time.Time) {
	next, ok := t.schedule.Next(after)
	if !ok {
		return
	}
	var it *item
	it = e.at(next, func() {
		delete(e.crons, it)
		e.fire(fn, t, next)
	})
	e.crons[it] = fn
}

// fire starts the run of a schedule.
func (e *Engine) fire(fn *Function, t Trigger, at time.Time) {
	if e.cronRuns++; e.cronRuns > e.cronLimit {
		if e.cronRuns == e.cronLimit+1 {
			e.fault(nil, "the schedule %q of %s and others have started %d runs while time advanced once, and start no "+
				"more: advance in shorter steps, or leave the function out", t.Cron, fn.Slug, e.cronLimit)
		}
		e.scheduleCron(fn, t, at)
		return
	}
	jitter := time.Duration(0)
	if !e.cfg.NoJitter {
		jitter = limits.Jitter(e.cfg.Version, fmt.Sprintf("%d %s %s %d", e.cfg.Seed, fn.Slug, t.Cron, at.Unix()), t.Jitter)
	}
	fired := t.schedule.Event(e.cfg.Version, at, jitter)
	ev, err := e.stored(&wireEvent{
		ID: fired.ID, Name: scheduledTimer, Data: fired.Data, Timestamp: fired.Time.UnixMilli(),
	}, "")
	if err != nil {
		e.fault(nil, "the event of the schedule %q of %s: %v", t.Cron, fn.Slug, err)
		return
	}
	ev.Internal = true
	e.deliver(ev)
	if e.cfg.Version == version.Oldest {
		e.initialize(fn, ev)
		e.scheduleCron(fn, t, at)
		return
	}
	e.startScheduled(fn, t, ev, at, 0)
}

// startScheduled starts the run of a schedule as [version.Newest] does: it tries again what
// flow control refuses, and plans the next run only then.
func (e *Engine) startScheduled(fn *Function, t Trigger, ev *Event, at time.Time, attempt int) {
	outcome := e.schedule(request{
		fn: fn, events: []*Event{ev}, idempotencyKey: ev.ID, at: time.UnixMilli(ev.Timestamp),
	})
	if outcome == started || outcome == idempotent || attempt >= maxRetries {
		e.scheduleCron(fn, t, at)
		return
	}
	retry := e.backoff(attempt)
	e.row(nil, "the server tries to start the run of the schedule %q of %s again in %s, and plans no other until then",
		t.Cron, fn.Slug, retry)
	var it *item
	it = e.at(e.clock.now().Add(retry), func() {
		delete(e.crons, it)
		e.startScheduled(fn, t, ev, at, attempt+1)
	})
	e.crons[it] = fn
}
