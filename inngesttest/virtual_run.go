package inngesttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// virtualRun is a run of a virtual engine.
type virtualRun struct {
	v   *virtual
	run *engine.Run
}

func (r virtualRun) id() string   { return r.run.ID }
func (r virtualRun) slug() string { return r.run.Function.Slug }

func (r virtualRun) cancel() error {
	if !r.v.engine.Cancel(r.run.ID) {
		return errors.New("it has ended")
	}
	return nil
}

func (r virtualRun) state() (s runState) {
	r.v.engine.Locked(func() { s = r.stateLocked() })
	s.waiting = append(s.waiting, r.v.engine.Waiting(r.run)...)
	return s
}

// stateLocked is state, with the engine's lock and without what limits the run waits for.
func (r virtualRun) stateLocked() runState {
	s := runState{output: r.run.Output, calls: r.run.Calls, status: RunStatus(r.run.Status)}
	if r.run.Status == engine.Queued {
		s.status = RunRunning
	}
	for _, event := range r.run.Events {
		var raw inngestkit.RawEvent
		if json.Unmarshal(event.Encoded, &raw) == nil {
			s.events = append(s.events, raw)
		}
	}
	for _, known := range r.run.Steps {
		record := newStepRecord(known.ID, known.Index, known.Kind, known.Result)
		record.Attempts, record.Errors, record.Waits = known.Attempts, known.Errors, known.Waits
		s.steps = append(s.steps, record)
		if !record.Ended && known.Waits != "" {
			s.waiting = append(s.waiting, "step "+strconv.Quote(known.ID)+": "+known.Waits)
		}
	}
	return s
}

func (r virtualRun) timeline() string {
	var heading string
	r.v.engine.Locked(func() {
		heading = fmt.Sprintf("run %s of %s: %s", r.run.ID, r.run.Function.Slug, r.run.Status)
		if !r.run.Ended.IsZero() {
			heading += " after " + short(r.run.Ended.Sub(r.run.Queued))
		}
		if r.run.Status == engine.Failed {
			heading += ": " + cell(runError(r.run.Output).Error())
		}
	})
	return table(heading, r.v.rowsOf(r.run))
}

// rowsOf returns the rows of a run, nil for those of none.
func (v *virtual) rowsOf(run *engine.Run) []row {
	v.mu.Lock()
	defer v.mu.Unlock()
	var rows []row
	for _, known := range v.rows {
		if known.Run == run {
			rows = append(rows, v.format(known))
		}
	}
	return rows
}
