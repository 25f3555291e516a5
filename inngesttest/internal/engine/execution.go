package engine

import (
	"context"
	"encoding/json"
	"time"
)

type execution struct {
	ids ids
}

// New returns an engine.
func New(cfg Config) *Engine { return &Engine{cfg: cfg} }

// Now returns the virtual time.
func (e *Engine) Now() time.Time { return time.Time{} }

// Settle runs what is due until nothing more happens without time passing.
func (e *Engine) Settle(ctx context.Context) {}

// AdvanceTo lets time pass until t.
func (e *Engine) AdvanceTo(ctx context.Context, t time.Time) {}

// Next returns the time at which something is due next.
func (e *Engine) Next() (time.Time, bool) { return time.Time{}, false }

// Runs returns the runs in the order of their creation.
func (e *Engine) Runs() []*Run { return nil }

func (e *Engine) at(t time.Time, do func()) *item { return nil }

func (e *Engine) drop(it *item) {}

// record adds a run to the engine's list. start calls it.
func (e *Engine) record(run *Run) {}

func (e *Engine) start(run *Run, at time.Time) {}

func (e *Engine) resume(run *Run, key string, result json.RawMessage) {}

func (e *Engine) end(run *Run, status Status, output json.RawMessage) {}

func (e *Engine) checkpoint(runID string, body []byte) (status int, message string) { return 0, "" }

func (e *Engine) batchOf(runID string) ([]byte, bool) { return nil, false }

func (e *Engine) actionsOf(runID string) ([]byte, bool) { return nil, false }

// row adds a row to the timeline of a run, or of no run if run is nil.
func (e *Engine) row(run *Run, format string, args ...any) {}

// stepRow is row for what happens to a step.
func (e *Engine) stepRow(run *Run, s *Step, format string, args ...any) {}

// fault reports what the kit must refuse.
func (e *Engine) fault(run *Run, format string, args ...any) {}
