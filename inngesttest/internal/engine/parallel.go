package engine

import "github.com/inngestkit/inngestkit/inngesttest/internal/version"

// parallelProtocol is the first X-Inngest-Req-Version whose apps know that the server calls
// them once after a group of parallel steps.
const parallelProtocol = 2

// planOps prepares a run for the operations of a response: several of them are parallel.
func (e *Engine) planOps(run *Run, ops []*opcode) error {
	var keys []string
	planned := false
	for _, op := range ops {
		if op.lazy() {
			continue
		}
		keys = append(keys, op.ID)
		planned = planned || op.Op == opStepPlanned
	}
	if len(keys) > 1 {
		run.forcePlan = true
	}
	if len(ops) > maxSteps {
		return overflow()
	}
	// v1.12.1 waits for any group, v1.43.0 only for one with a planned step.
	if len(keys) > 1 && run.protocol >= parallelProtocol && (planned || e.cfg.Version == version.Oldest) {
		run.pending = make(map[string]struct{}, len(keys))
		for _, key := range keys {
			run.pending[key] = struct{}{}
		}
	}
	return nil
}

// discover puts the call into the queue that finds out what follows a step, unless parallel
// steps are pending, or the server has taken the job before.
func (e *Engine) discover(run *Run, kind itemKind, after, job string) {
	if len(run.pending) > 0 {
		return
	}
	e.resetPlan(run)
	if run.claim(job) {
		e.enqueue(&item{kind: kind, run: run, after: after})
	}
}

// resetPlan lets the app run steps at once again (maybeResetForceStepPlan in
// pkg/execution/executor of the server). v1.12.1 never does.
func (e *Engine) resetPlan(run *Run) {
	if e.cfg.Version != version.Oldest && run.protocol >= parallelProtocol {
		run.forcePlan = false
	}
}
