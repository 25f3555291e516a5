package inngestkit

import (
	"bytes"
	"encoding/json"
)

// lostError stands for an error that the server could not keep. It keeps null in
// its place if a model's API fails with a body that is not JSON.
var lostError = json.RawMessage(`{"name":"Error","message":"the step failed, and the server did not keep why","data":null}`)

// normalizeSteps mends the results of steps where the SDK cannot read them: it
// wants "data" in every error, which errors made by the server do not have, takes
// an "error" of null for an unreadable error or for none, and takes an input for a
// result.
func normalizeSteps(steps []byte) []byte {
	if !bytes.Contains(steps, []byte(`"error"`)) && !bytes.Contains(steps, []byte(`"input"`)) &&
		!bytes.Contains(steps, encodedInput) {
		return steps
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(steps, &all) != nil {
		return steps // the SDK says what is wrong
	}
	for id, result := range all {
		if isInput(result) {
			delete(all, id)
			continue
		}
		all[id] = normalizeStep(result)
	}
	return mustJSON(all)
}

// encodedInput is how {"input": begins in base64. The server's API encodes inputs
// like that, by mistake; see Load in its pkg/execution/state/redis_state.
var encodedInput = []byte(`"eyJpbnB1dCI6`)

// isInput reports whether this is not the result of a step but an input for it,
// which the server keeps if somebody runs a step anew with another input: the
// step has not run then. The SDK has no use for the input.
func isInput(result json.RawMessage) bool {
	if bytes.HasPrefix(result, encodedInput) {
		return true
	}
	var step map[string]json.RawMessage
	return json.Unmarshal(result, &step) == nil && len(step) == 1 && step["input"] != nil
}

func normalizeStep(result json.RawMessage) json.RawMessage {
	var step, stepError map[string]json.RawMessage
	if json.Unmarshal(result, &step) != nil || step["error"] == nil || json.Unmarshal(step["error"], &stepError) != nil {
		return result
	}
	switch {
	case stepError == nil && step["data"] == nil:
		step["error"] = lostError
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
