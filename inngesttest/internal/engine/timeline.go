package engine

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
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

// add completes a row. A row of the run whose response is handled belongs to the response's call.
func (e *Engine) add(r *Row, text string, args []any) {
	if e.cfg.Observer == nil {
		return
	}
	if f := e.handling; r.Call == 0 && f != nil && f.it.run == r.Run {
		r.Call = f.call.Number
	}
	for i, arg := range args {
		if d, ok := arg.(time.Duration); ok {
			args[i] = Span(d)
		}
	}
	r.Time, r.Text = e.clock.now(), fmt.Sprintf(text, args...)
	e.cfg.Observer.Row(*r)
}

// Span returns a duration as timelines print it, with days: 2d3h.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day {
		return d.String()
	}
	text := strconv.Itoa(int(d/day)) + "d"
	rest := (d % day).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(rest, zero) {
			rest = rest[:len(rest)-2]
		}
	}
	if rest == "0s" {
		return text
	}
	return text + rest
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
