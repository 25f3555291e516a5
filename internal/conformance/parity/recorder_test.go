package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// A Recorder records what the functions of an app do, with middleware of the app, so that
// records of different targets are made by the same code.
type Recorder struct {
	mu   sync.Mutex
	runs map[string]*record // by run ID
	// ended has a channel for each event that has a run. It is closed when a run has ended.
	ended map[string]chan struct{}
}

func newRecorder() *Recorder {
	return &Recorder{runs: map[string]*record{}, ended: map[string]chan struct{}{}}
}

// internalEvents are the events that the server sends when runs end.
var internalEvents = []string{"inngest/function.finished", "inngest/function.failed", "inngest/function.cancelled"}

// watcher is the ID of the function that gets the internal events.
const watcher = "watcher"

// Functions returns the functions that the recorder needs.
func (r *Recorder) Functions() []inngestkit.Function {
	var triggers []inngestkit.Trigger[map[string]any]
	for _, name := range internalEvents {
		triggers = append(triggers, inngestkit.DefineEvent[map[string]any](name).If(fmt.Sprintf(
			"event.data.function_id != '%[1]s-%[2]s' && event.data.function_id != '%[1]s-%[3]s'", appID, watcher, passing)))
	}
	return []inngestkit.Function{inngestkit.OnEvent(watcher, inngestkit.AnyOf(triggers...),
		func(context.Context, inngestkit.Input[map[string]any]) (any, error) { return nil, nil })}
}

// Middleware returns the middleware that records.
func (r *Recorder) Middleware() inngestkit.Middleware {
	return inngestkit.Middleware{Function: r.function, Step: recordStep, Restore: recordRestored, Send: recordSent}
}

// Ended returns a channel that is closed when a run of an event has ended.
func (r *Recorder) Ended(eventID string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended[eventID] == nil {
		r.ended[eventID] = make(chan struct{})
	}
	return r.ended[eventID]
}

func (r *Recorder) function(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
	return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
		events, err := call.Events()
		if err != nil {
			return nil, err
		}
		if call.FunctionID == watcher {
			r.watch(events)
			return next(ctx, call)
		}
		if call.FunctionID == passing {
			call.OnEnd(func(outcome inngestkit.Outcome, _ error) {
				if outcome == inngestkit.OutcomeCompleted {
					r.close(*events[0].ID)
				}
			})
		}
		c := &callRecord{run: r.run(call, events)}
		call.OnEnd(func(outcome inngestkit.Outcome, err error) { c.end(call, outcome, err) })
		return next(context.WithValue(ctx, callKey{}, c), call)
	}
}

// run returns the record of the run that a call belongs to.
func (r *Recorder) run(call *inngestkit.FunctionCall, events []inngestkit.RawEvent) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	run := r.record(call.RunID)
	if run.function == "" {
		run.function = call.FunctionID
		for _, e := range events {
			run.events = append(run.events, e.Name+" "+canonical(e.Data))
		}
	}
	return run
}

// record returns the record of a run. The caller holds the lock.
func (r *Recorder) record(runID string) *record {
	if r.runs[runID] == nil {
		r.runs[runID] = &record{steps: map[stepKey]*stepRecord{}}
	}
	return r.runs[runID]
}

// watch records internal events.
func (r *Recorder) watch(events []inngestkit.RawEvent) {
	for _, e := range events {
		var data struct {
			RunID  string               `json:"run_id"`
			Event  inngestkit.RawEvent  `json:"event"`
			Result json.RawMessage      `json:"result"`
			Error  *inngestkit.RunError `json:"error"`
		}
		if err := json.Unmarshal(e.Data, &data); err != nil {
			panic(fmt.Errorf("%s is not what it should be: %w", e.Name, err))
		}
		line := e.Name
		switch {
		case data.Error != nil:
			line += fmt.Sprintf(": %s: %s", data.Error.Name, canonical(json.RawMessage(data.Error.Message)))
		case e.Name == internalEvents[0]:
			line += " with " + canonical(data.Result)
		}
		r.mu.Lock()
		run := r.record(data.RunID)
		r.mu.Unlock()
		run.addInternal(line)
		if id := data.Event.ID; id != nil && e.Name == internalEvents[0] {
			r.close(*id)
		}
	}
}

func (r *Recorder) close(eventID string) {
	ended := r.Ended(eventID)
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-ended:
	default:
		close(r.ended[eventID])
	}
}

// of returns the record of a run.
func (r *Recorder) of(runID string) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.record(runID)
}

// runsOf returns the IDs of the runs of a function that the app has seen.
func (r *Recorder) runsOf(functionID string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for id, run := range r.runs {
		if run.function == functionID {
			ids = append(ids, id)
		}
	}
	return ids
}

type (
	callKey     struct{}
	stepKeyInfo struct{}
)

// recordStep records the callbacks of steps.
func recordStep(next inngestkit.StepHandler) inngestkit.StepHandler {
	return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
		c := ctx.Value(callKey{}).(*callRecord)
		key := c.reach(s)
		s.OnEnd(func(outcome inngestkit.Outcome, err error) {
			line := fmt.Sprintf("attempt %d: %s", s.Function.Attempt, outcome)
			if err != nil {
				line += ": " + masked(err.Error())
			}
			c.run.addToStep(key, line)
		})
		return next(context.WithValue(ctx, stepKeyInfo{}, key), s)
	}
}

// recordRestored records the memoized results of steps.
func recordRestored(ctx context.Context, s *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
	c := ctx.Value(callKey{}).(*callRecord)
	c.run.setResult(c.reach(s), canonical(data))
	return data, nil
}

// Sleep is step.Sleep, recorded: middleware does not see its end.
func Sleep(ctx context.Context, id string, d time.Duration) {
	step.Sleep(ctx, id, d)
	recordSlept(ctx, id)
}

// SleepUntil is step.SleepUntil, recorded.
func SleepUntil(ctx context.Context, id string, until time.Time) {
	step.SleepUntil(ctx, id, until)
	recordSlept(ctx, id)
}

func recordSlept(ctx context.Context, id string) {
	c := ctx.Value(callKey{}).(*callRecord)
	c.run.setResult(c.reach(&inngestkit.StepCall{ID: id, Kind: "Sleep", Index: c.slept(id)}), "over")
}

// recordSent records the events that functions send.
func recordSent(next inngestkit.SendHandler) inngestkit.SendHandler {
	return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
		if c, ok := ctx.Value(callKey{}).(*callRecord); ok {
			key, _ := ctx.Value(stepKeyInfo{}).(stepKey)
			for _, e := range events {
				c.run.addToStep(key, "sends "+e.Name+" "+canonical(e.Data))
			}
		}
		return next(ctx, events)
	}
}

// A callRecord records one call.
type callRecord struct {
	run *record

	mu      sync.Mutex
	reached []stepKey
	sleeps  []string
}

// reach adds a step to those that the call has reached.
func (c *callRecord) reach(s *inngestkit.StepCall) stepKey {
	key := stepKey{s.Kind, s.ID, s.Index}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.reached, key) {
		c.reached = append(c.reached, key)
	}
	return key
}

// slept returns the index of a sleep that has ended.
func (c *callRecord) slept(id string) (index int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, before := range c.sleeps {
		if before == id {
			index++
		}
	}
	c.sleeps = append(c.sleeps, id)
	return index
}

// end records how the call has ended.
func (c *callRecord) end(call *inngestkit.FunctionCall, outcome inngestkit.Outcome, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if outcome == inngestkit.OutcomeYielded {
		c.run.yielded(slices.Clone(c.reached))
		return
	}
	line := fmt.Sprintf("attempt %d of %d: %s", call.Attempt, call.MaxAttempts, outcome)
	if err != nil {
		line += ": " + masked(firstLine(err.Error()))
	}
	c.run.ended(line, slices.Clone(c.reached))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
