package engine

import (
	"encoding/json"
	"maps"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// ended does what follows the end of a run: it releases what the run held, and sends the
// server's events.
func (e *Engine) ended(run *Run) {
	for len(run.waits) > 0 {
		e.unregister(run.waits[0])
	}
	for _, c := range run.cancels {
		delete(e.cancels[c.event], c)
		if len(e.cancels[c.event]) == 0 {
			delete(e.cancels, c.event)
		}
	}
	run.cancels = nil
	for _, timer := range run.timers {
		e.drop(timer)
	}
	run.timers = nil
	run.Function.limiters.singleton.Release(run.ID)
	if e.semaphores.Holds(run.ID) {
		e.semaphores.Release(run.ID)
		e.queue.retry()
	}
	if run.Status != Skipped {
		e.sendEnd(run)
	}
}

// sendEnd sends the events of a run that has ended: one for the run, or for each event that
// invoked it.
func (e *Engine) sendEnd(run *Run) {
	result, failure := e.outcome(run)
	for i, ev := range run.Events {
		if ev.Name == functionFailed || ev.Name == functionFinished {
			continue // the server does not report on runs that handle its reports
		}
		correlation := ev.internalField("correlation_id")
		if correlation == "" && i > 0 {
			continue
		}
		data := map[string]any{
			fieldFunction: run.Function.Slug, fieldRun: run.ID, fieldEvent: ev.Decoded, "events": decoded(run.Events),
		}
		if result != nil {
			data["result"] = *result
		}
		if failure != nil {
			data[fieldError] = failure
		}
		if correlation != "" {
			data["correlation_id"] = correlation
		}
		if e.cfg.Version != version.Oldest {
			data[internalData] = map[string]any{fieldStatus: string(run.Status)}
		}
		e.sendInternal(functionFinished, "", data)
		if run.Status == Failed {
			e.sendInternal(functionFailed, run.ID, data)
		}
		if run.Status == Cancelled {
			e.sendInternal(functionCancelled, run.ID, data)
		}
	}
}

// outcome returns the result and the error of a run as its events have them.
func (e *Engine) outcome(run *Run) (result *any, failure any) {
	var output any
	_ = json.Unmarshal(run.Output, &output) // nil without output
	if run.Status == Completed {
		if run.raw == nil {
			return nil, nil // the response had no body
		}
		return &output, nil
	}
	if run.Status == Cancelled {
		if e.cfg.Version == version.Oldest {
			return nil, map[string]any{
				fieldError: "function cancelled", fieldMessage: "function cancelled", fieldName: defaultErrorName,
			}
		}
		return nil, nil
	}
	if len(run.problem) > 0 {
		_ = json.Unmarshal(run.problem, &failure) // the engine's own JSON
	}
	if len(run.raw) > 0 {
		var raw any
		_ = json.Unmarshal(run.raw, &raw)
		return &raw, failure
	}
	return nil, failure
}

// decoded returns events as the server lists them in its own, without a user that is empty.
func decoded(events []*Event) []any {
	all := make([]any, len(events))
	for i, ev := range events {
		listed := maps.Clone(ev.Decoded)
		if user, _ := listed["user"].(map[string]any); len(user) == 0 {
			delete(listed, "user")
		}
		all[i] = listed
	}
	return all
}

// sendInternal sends an event of the server. id is its ID, "" for a new one. data has values
// that JSON decodes into any, which nobody changes later.
func (e *Engine) sendInternal(name, id string, data map[string]any) {
	ev, err := e.stored(&wireEvent{ID: id, Name: name, Data: data, Timestamp: e.clock.now().UnixMilli()}, "")
	if err != nil {
		e.fault(nil, "event %q: %v: a real server would lose it", name, err)
		return
	}
	ev.Internal = true
	e.deliver(ev)
}
