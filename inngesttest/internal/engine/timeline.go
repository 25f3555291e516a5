package engine

import (
	"encoding/json"
	"fmt"
)

// row adds a row to the timeline of a run, or of no run if run is nil.
func (e *Engine) row(run *Run, text string, args ...any) {
	e.add(&Row{Run: run}, text, args)
}

// stepRow is row for what happens to a step.
func (e *Engine) stepRow(run *Run, s *Step, text string, args ...any) {
	e.add(&Row{Run: run, Step: s.ID}, text, args)
}

// callRow is row for what a call led to.
func (e *Engine) callRow(f *flight, text string, args ...any) {
	e.add(&Row{
		Run: f.it.run, Call: f.call.Number, Attempt: f.call.Attempt + 1, MaxAttempts: f.it.run.Function.MaxAttempts,
	}, text, args)
}

// attemptRow is callRow for a step.
func (e *Engine) attemptRow(f *flight, s *Step, text string, args ...any) {
	e.add(&Row{
		Run: f.it.run, Call: f.call.Number, Step: s.ID,
		Attempt: f.call.Attempt + 1, MaxAttempts: f.it.run.Function.MaxAttempts,
	}, text, args)
}

func (e *Engine) add(r *Row, text string, args []any) {
	if e.cfg.Observer == nil {
		return
	}
	r.Time, r.Text = e.clock.now(), fmt.Sprintf(text, args...)
	e.cfg.Observer.Row(*r)
}

// fault reports what the kit must refuse.
func (e *Engine) fault(run *Run, text string, args ...any) {
	if e.cfg.Observer != nil {
		e.cfg.Observer.Fault(run, text, args...)
	}
}

// short returns the beginning of JSON, for a row.
func short(data json.RawMessage) string {
	const limit = 100
	if len(data) <= limit {
		return string(data)
	}
	return string(data[:limit]) + "…"
}

// summary returns the reason of a failed call.
func (o *outcome) summary() string {
	var fields standardError
	if json.Unmarshal(o.standard(), &fields) != nil || fields.Message == "" {
		return "error: " + o.err
	}
	return "error: " + fields.Message
}
