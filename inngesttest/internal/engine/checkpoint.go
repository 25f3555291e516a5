package engine

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// checkpointOps are the operations that a checkpoint may have.
var checkpointOps = []string{opStep, opStepRun, opStepPlanned, opDeferAdd, opDeferAbort}

// checkpoint stores the results of steps while their call goes on: POST
// /v1/checkpoint/{run}/async (pkg/execution/checkpoint of the server). It returns the status
// of the response and the message of an error.
//
// The server means to reset the attempts of the call, but does not: resetAttempts.lua sets
// a field of the stored item that nothing reads, and the retry replaces the item.
func (e *Engine) checkpoint(runID string, body []byte) (status int, message string) {
	if e.cfg.Version == version.Oldest {
		return http.StatusNotFound, "404 page not found"
	}
	var request struct {
		Steps []*opcode `json:"steps"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return http.StatusBadRequest, fmt.Sprintf("invalid request body: %v", err)
	}
	run := e.active[runID]
	if run == nil {
		return http.StatusBadRequest, "run not found"
	}
	total := 0
	for _, op := range request.Steps {
		if op == nil || !slices.Contains(checkpointOps, op.Op) {
			return http.StatusBadRequest, "cannot checkpoint async steps"
		}
		if raw, err := op.stored(); err == nil && (op.Op == opStep || op.Op == opStepRun) {
			total += storedSize(raw)
		}
	}
	if run.size+total > maxState {
		return http.StatusRequestEntityTooLarge, "run state size limit exceeded"
	}
	for _, op := range request.Steps {
		if status, message := e.checkpointStep(run, op); status != http.StatusOK {
			return status, message
		}
	}
	return http.StatusOK, ""
}

func (e *Engine) checkpointStep(run *Run, op *opcode) (status int, message string) {
	if op.Op != opStep && op.Op != opStepRun {
		return http.StatusOK, ""
	}
	raw, err := op.stored()
	if err == nil && storedSize(raw) > maxStep {
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("step %s output too large", op.ID)
	}
	var result json.RawMessage
	if err == nil {
		result, err = canonical(raw)
	}
	if err != nil {
		e.fault(run, "the result of step %q cannot be sent to the app, so the server would drop the run: %v", op.name(), err)
		return http.StatusOK, ""
	}
	now := e.clock.now()
	s := run.reach(op, now)
	if run.save(s, result, storedSize(raw), now) {
		s.Attempts++
		e.stepRow(run, s, "ok %s, by a checkpoint", short(result))
	}
	return http.StatusOK, ""
}
