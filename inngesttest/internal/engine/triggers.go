package engine

import (
	"slices"
	"strings"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
)

// trigger starts the functions that an event triggers. A function starts once, by the first
// of its triggers that the event meets.
func (e *Engine) trigger(ev *Event) {
	patterns := patternsOf(ev.Name)
	for _, fn := range slices.Clone(e.order) {
		for _, t := range fn.Triggers {
			if t.Event == "" || !slices.Contains(patterns, t.Event) {
				continue
			}
			if t.Condition != "" {
				met := e.condition(nil, t.Condition, expr.Vars{fieldEvent: ev.Decoded})
				if !met.OK {
					e.row(nil, "event %q starts no run of %s: its condition %s %s",
						ev.Name, fn.Slug, t.Condition, verdict(met))
					continue
				}
			}
			e.initialize(fn, ev)
			break
		}
	}
}

// patternsOf returns the triggers that an event matches: its name, and wildcards after
// each slash and each dot.
func patternsOf(name string) []string {
	patterns := []string{name}
	for _, separator := range []string{"/", "."} {
		for at := 0; ; {
			next := strings.Index(name[at:], separator)
			if next < 0 {
				break
			}
			at += next + 1
			patterns = append(patterns, name[:at]+"*")
		}
	}
	return patterns
}

// initialize starts a run of a function with an event, or adds the event to a batch.
func (e *Engine) initialize(fn *Function, ev *Event) {
	if b := fn.options.batch; b != nil {
		if b.If == "" {
			e.addToBatch(fn, ev)
			return
		}
		met := e.condition(nil, b.If, expr.Vars{fieldEvent: ev.Decoded})
		if met.OK {
			e.addToBatch(fn, ev)
			return
		}
		e.row(nil, "event %q is not batched for %s, but starts a run alone: the condition %s %s",
			ev.Name, fn.Slug, b.If, verdict(met))
	}
	e.schedule(request{fn: fn, events: []*Event{ev}, idempotencyKey: ev.ID})
}
