package inngestkit

import (
	"bytes"
	"encoding/json"
)

// normalizeSteps mends the results of failed steps where the SDK cannot read
// them: it wants "data" in every error, which errors made by the server do not
// have, and takes an "error" of null for an error.
func normalizeSteps(steps []byte) []byte {
	if !bytes.Contains(steps, []byte(`"error"`)) {
		return steps
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(steps, &all) != nil {
		return steps // the SDK says what is wrong
	}
	for id, result := range all {
		all[id] = normalizeStep(result)
	}
	return mustJSON(all)
}

func normalizeStep(result json.RawMessage) json.RawMessage {
	var step, stepError map[string]json.RawMessage
	if json.Unmarshal(result, &step) != nil || step["error"] == nil || json.Unmarshal(step["error"], &stepError) != nil {
		return result
	}
	switch {
	case stepError == nil:
		delete(step, "error")
	case stepError["data"] == nil:
		stepError["data"] = json.RawMessage("null")
		step["error"] = mustJSON(stepError)
	default:
		return result
	}
	return mustJSON(step)
}
