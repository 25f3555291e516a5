package engine

import (
	"slices"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// parallelProtocol is the first X-Inngest-Req-Version whose apps know that the server calls
// them once after a group of parallel steps.
const parallelProtocol = 2

// pausing are the operations that make v1.43.0 wait for a whole group of parallel steps
// (hasPlanOp in pkg/execution/executor).
var pausing = []string{opAIGateway, opGateway, opInvoke, opSleep, opStepPlanned, opWait, opSignal}

// planOps prepares a run for the operations of a response: several of them are parallel.
func (e *Engine) planOps(f *flight) error {
	run, ops, protocol := f.it.run, f.outcome.ops, f.plan.protocol
	if protocol == unknownProtocol {
		protocol = f.outcome.protocol
		run.plan.protocol = protocol
	}
	var keys []string
	pauses := false
	for _, op := range ops {
		if op.lazy() {
			continue
		}
		keys = append(keys, op.ID)
		pauses = pauses || slices.Contains(pausing, op.Op)
	}
	if len(keys) > 1 && !f.plan.forced {
		run.plan.forced = true
	}
	if len(ops) > maxSteps {
		return overflow()
	}
	// v1.12.1 waits for any group.
	if len(keys) > 1 && protocol >= parallelProtocol && (pauses || e.cfg.Version == version.Oldest) {
		run.pending = make(map[string]struct{}, len(keys))
		for _, key := range keys {
			run.pending[key] = struct{}{}
		}
	}
	return nil
}

// discover puts the call into the queue that finds out what follows a step, unless parallel
// steps are pending, or the server has taken the job before. seen is the plan that the server
// has loaded before.
func (e *Engine) discover(run *Run, seen plan, kind itemKind, after, job string) {
	if len(run.pending) > 0 {
		return
	}
	e.resetPlan(run, seen)
	if run.claim(job) {
		e.enqueue(&item{kind: kind, run: run, after: after})
	}
}

// resetPlan lets the app run steps at once again (maybeResetForceStepPlan in
// pkg/execution/executor of the server). v1.12.1 never does.
func (e *Engine) resetPlan(run *Run, seen plan) {
	if e.cfg.Version != version.Oldest && seen.forced && seen.protocol >= parallelProtocol {
		run.plan.forced = false
	}
}
