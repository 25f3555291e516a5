package lab

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// A result of a step on its way to the server.
type result struct{ Run, Step string }

// An opcode is how a result, or a plan, looks in a response or a checkpoint
// (docs/SDK_SPEC.md of the server).
type opcode struct {
	Op          string `json:"op"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

// opStepRun is a step that has succeeded. Others plan a step or report its failure.
const opStepRun = "StepRun"

func (o opcode) step() string {
	if o.DisplayName != "" {
		return o.DisplayName
	}
	return o.Name
}

// runOf returns the ID of the run that a call's body names, or "".
func runOf(body []byte) string {
	var call struct {
		Ctx struct {
			RunID string `json:"run_id"`
		} `json:"ctx"`
	}
	_ = json.Unmarshal(body, &call) // other requests have none
	return call.Ctx.RunID
}

// stepsOf returns the keys of the steps whose results are in a call's body.
func stepsOf(body []byte) []string {
	var call struct {
		Steps map[string]json.RawMessage `json:"steps"`
	}
	_ = json.Unmarshal(body, &call) // other requests have none
	return slices.Collect(maps.Keys(call.Steps))
}

// keyOf returns the key of a step: the SDK hashes its ID.
func keyOf(step string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(step))) }

// ofCall reads the results in the response to a call.
func ofCall(e *Exchange) []result {
	if e.Run == "" || e.Status != http.StatusPartialContent {
		return nil
	}
	var ops []opcode
	if json.Unmarshal(e.ResponseBody, &ops) != nil {
		return nil
	}
	return succeeded(e.Run, ops)
}

// Carries reports whether the response to a call has the result of a step.
func (e *Exchange) Carries(step string) bool {
	return slices.Contains(ofCall(e), result{e.Run, step})
}

// ofCheckpoint reads the results that an app has sent to the server's API.
func ofCheckpoint(e *Exchange) []result {
	var checkpoint struct {
		RunID string   `json:"run_id"`
		Steps []opcode `json:"steps"`
	}
	if e.Status >= http.StatusMultipleChoices || json.Unmarshal(e.RequestBody, &checkpoint) != nil || checkpoint.RunID == "" {
		return nil
	}
	return succeeded(checkpoint.RunID, checkpoint.Steps)
}

func succeeded(run string, ops []opcode) (results []result) {
	for _, op := range ops {
		if op.Op == opStepRun || op.Op == "Step" {
			results = append(results, result{run, op.step()})
		}
	}
	return results
}
