package engine

import (
	"strings"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

// A cancel is an event that cancels a run.
type cancel struct {
	run       *Run
	event     string
	condition string
	expires   time.Time
	number    uint64
}

// addCancels makes the events of the option cancelOn cancel a run. A run of a batch does
// not have them.
func (e *Engine) addCancels(run *Run) {
	for _, option := range run.Function.options.cancel {
		c := &cancel{run: run, event: option.Event, expires: e.clock.now().AddDate(1, 0, 0), number: run.number}
		if option.Timeout != "" {
			expires, err := e.expiry(option.Timeout)
			if err != nil {
				e.fault(run, "cancelOn %q: %v: a real server starts no run", option.Event, err)
				continue
			}
			c.expires = expires
		}
		if option.If != "" {
			residue, err := e.interpolate(run, option.If, run.Events[0])
			switch {
			case err != nil:
				e.row(run, "cancelOn %q never applies: %v", option.Event, err)
			case residue == "false":
				e.row(run, "cancelOn %q never applies: the condition %s is false for the event that started the run",
					option.Event, option.If)
				continue
			}
			c.condition = residue
		}
		if e.cancels[c.event] == nil {
			e.cancels[c.event] = map[*cancel]struct{}{}
		}
		e.cancels[c.event][c] = struct{}{}
		run.cancels = append(run.cancels, c)
	}
}

// cancelBy cancels the runs that an event cancels, in the order in which they began.
func (e *Engine) cancelBy(ev *Event, number uint64) {
	for _, c := range inOrder(e.cancels[ev.Name], func(c *cancel) uint64 { return c.number }) {
		if c.run.over() || c.number > number || c.expires.Before(e.clock.now()) {
			continue
		}
		because := ""
		if c.condition != "" {
			met := e.value(c.run, c.condition, expr.Vars{"async": ev.Decoded})
			if !met.OK {
				e.row(c.run, "event %q does not cancel the run: the condition %s %s", ev.Name, c.condition, verdict(met))
				continue
			}
			if len(met.Why) > 0 {
				because = " because " + strings.Join(met.Why, ", and ")
			}
		}
		e.row(c.run, "event %q cancels the run%s", ev.Name, because)
		e.end(c.run, Cancelled, nil)
	}
}

// Cancel cancels a run, as the server's API does, and reports whether it was under way.
func (e *Engine) Cancel(runID string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	run := e.active[runID]
	if run == nil {
		return false
	}
	e.row(run, "is cancelled by a request to the server")
	e.end(run, Cancelled, nil)
	return true
}
