package engine

import (
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// schedule is what flow control keeps of a run.
type schedule struct {
	// priority moves the run ahead of others, in milliseconds.
	priority int64
	// number is the position of the run among all arrivals.
	number uint64
	// waits are the steps that wait for something.
	waits   []*wait
	cancels []*cancel
	// timers are those of the start and finish timeouts.
	timers []*item

	concurrency []limits.ConcurrencyLimit
	throttleKey string
	// stuck reports that the run waits for itself.
	stuck        bool
	semaphoreKey string
}

// A request asks for a run of a function.
type request struct {
	fn     *Function
	events []*Event
	// idempotencyKey lets one run start in 24 hours; "" lets all.
	idempotencyKey string
	// at is when the run starts, zero for now or the time of the event.
	at        time.Time
	batch     bool
	debounced bool
}

// scheduled says what became of a request.
type scheduled int

const (
	started    scheduled = iota
	held                 // by a debounce
	idempotent           // an event with the same ID has started a run
	refused
)

// schedule starts a run if flow control lets it. The order of the checks is that of
// Schedule in pkg/execution/executor of the server.
func (e *Engine) schedule(r request) scheduled {
	fn, ev := r.fn, r.events[0]
	if fn.options.rateLimit != nil && !r.batch && !r.debounced {
		if outcome := e.limitRate(r); outcome != started {
			return outcome
		}
	}
	if fn.options.debounce != nil && !r.debounced && !r.batch {
		e.debounce(fn, ev)
		return held
	}
	run := e.newRun(r)
	if fn.options.singleton != nil {
		if outcome := e.lock(run); outcome != started {
			return outcome
		}
	}
	if r.idempotencyKey != "" && !e.idempotency.Start(fn.Slug, r.idempotencyKey, e.clock.now()) {
		fn.limiters.singleton.Release(run.ID)
		e.row(nil, "event %q starts no run of %s: an event with the same ID %q has started one in the last 24 hours",
			ev.Name, fn.Slug, r.idempotencyKey)
		return idempotent
	}
	at := e.clock.now()
	if !r.batch {
		if ts := time.UnixMilli(ev.Timestamp); ts.After(at) {
			at = ts
		}
		e.addCancels(run)
		e.addStartTimeout(run)
	}
	if !r.at.IsZero() {
		at = r.at
	}
	for _, ev := range r.events {
		if runs, logged := e.started[ev.InternalID]; logged {
			e.started[ev.InternalID] = append(runs, run)
		}
	}
	if at.After(e.clock.now()) {
		e.row(run, "is scheduled for the time of event %q, in %s", ev.Name, at.Sub(e.clock.now()))
	}
	e.start(run, at)
	return started
}

// newRun returns a run with the values of its keys.
func (e *Engine) newRun(r request) *Run {
	now := e.clock.now()
	e.arrivals++
	run := &Run{ID: e.ulid(now), Function: r.fn, Events: r.events, Status: Queued, Queued: now}
	run.number = e.arrivals
	vars := expr.Vars{fieldEvent: r.events[0].Decoded}
	o := &r.fn.options
	if o.priority != "" {
		run.priority = limits.Priority(e.value(nil, o.priority, vars).Value).Milliseconds()
		if run.priority != 0 {
			e.row(run, "goes ahead by %d s because of its priority", run.priority/1000)
		}
	}
	for _, c := range o.concurrency {
		limit := limits.ConcurrencyLimit{
			Limit: c.Limit, Scope: scopeOf(c.Scope), Function: r.fn.Slug, Expression: c.Key,
		}
		if c.Key != "" {
			limit.Key = e.key(c.Key, vars)
		}
		run.concurrency = append(run.concurrency, limit)
	}
	if o.runs != nil && o.runs.Key != "" {
		run.semaphoreKey = e.key(o.runs.Key, vars)
	}
	if o.throttle != nil && o.throttle.Key != "" {
		run.throttleKey = e.key(o.throttle.Key, vars)
	}
	return run
}

// key returns the value of a key as text. All runs whose key cannot be evaluated share one.
func (e *Engine) key(text string, vars expr.Vars) string {
	value := e.value(nil, text, vars)
	if value.Err != nil {
		return "<nil>"
	}
	return expr.KeyText(value.Value)
}

// limitRate counts an event under the function's rate limit.
func (e *Engine) limitRate(r request) scheduled {
	fn, ev, option := r.fn, r.events[0], r.fn.options.rateLimit
	what := "the rate limit"
	if option.once {
		what = "the option idempotency"
	}
	key := ""
	if option.Key != "" {
		value := e.value(nil, option.Key, expr.Vars{fieldEvent: ev.Decoded})
		if value.Err != nil {
			e.row(nil, "event %q starts no run of %s: the key %s of %s fails: %v", ev.Name, fn.Slug, option.Key, what, value.Err)
			return refused
		}
		if value.Value == false {
			e.row(nil, "event %q does not count under %s of %s: its key %s is false", ev.Name, what, fn.Slug, option.Key)
			return started
		}
		key = expr.KeyText(value.Value)
	}
	ok, retryAt := fn.limiters.rateLimit.Take(key, r.idempotencyKey, e.clock.now())
	if ok {
		return started
	}
	e.row(nil, "event %q starts no run of %s: %s is reached, for %s",
		ev.Name, fn.Slug, withKey(what, option.Key, key), retryAt.Sub(e.clock.now()))
	if ev.Name == functionInvoked {
		e.invocationFailed(ev, "invoked function is rate limited")
	}
	return refused
}

// lock takes the function's singleton for a run.
func (e *Engine) lock(run *Run) scheduled {
	fn, option := run.Function, run.Function.options.singleton
	key := ""
	if option.Key != "" {
		value := e.value(nil, option.Key, expr.Vars{fieldEvent: run.Events[0].Decoded})
		if value.Err != nil || value.Value == false {
			e.row(run, "does not count as a singleton: its key %s %s", option.Key, verdict(value))
			return started
		}
		key = expr.KeyText(value.Value)
	}
	holder, ok := fn.limiters.singleton.Acquire(key, run.ID)
	if ok {
		return started
	}
	if option.Mode == "cancel" {
		if other := e.active[holder]; other != nil {
			e.row(other, "is cancelled because run %s of the singleton starts", run.ID)
			e.end(other, Cancelled, nil)
		}
		fn.limiters.singleton.Release(holder)
		_, _ = fn.limiters.singleton.Acquire(key, run.ID)
		return started
	}
	if e.cfg.Version == version.Oldest {
		e.row(nil, "event %q starts no run of %s: run %s of the singleton is under way", run.Events[0].Name, fn.Slug, holder)
		return refused
	}
	run.Status, run.Ended = Skipped, e.clock.now()
	e.record(run)
	e.row(run, "is skipped: run %s of the singleton is under way", holder)
	return refused
}
