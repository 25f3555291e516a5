package envelope

import (
	"bytes"
	"encoding/json"
)

// LostError replaces an error that the server could not store: it stores null if the
// API of a model fails with a body that is not JSON.
var LostError = json.RawMessage(`{"name":"Error","message":"the step failed, and the server did not keep why","data":null}`)

// SDKSteps returns Steps without what the SDK cannot read. The SDK requires "data" in every
// error, which errors made by the server lack. It treats an "error" of null as an unreadable
// error, and an input as a result.
func (e *Envelope) SDKSteps() []byte {
	if !bytes.Contains(e.Steps, []byte(`"error"`)) && !bytes.Contains(e.Steps, []byte(`"input"`)) &&
		!bytes.Contains(e.Steps, encodedInput) {
		return e.Steps
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(e.Steps, &all) != nil {
		return e.Steps // the SDK reports what is wrong
	}
	for id, result := range all {
		if isInput(result) {
			delete(all, id)
			continue
		}
		all[id] = normalizeStep(result)
	}
	return encode(all)
}

// encodedInput is how {"input": begins in base64. The server's API encodes inputs that
// way, by mistake; see Load in its pkg/execution/state/redis_state.
var encodedInput = []byte(`"eyJpbnB1dCI6`)

// isInput reports whether this is not the result of a step but an input for it. The
// server stores one if somebody reruns a step with another input: the step has not run
// then, and the SDK has no use for the input.
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
		step["error"] = LostError
	case stepError == nil:
		delete(step, "error")
	case stepError["data"] == nil:
		stepError["data"] = json.RawMessage("null")
		step["error"] = encode(stepError)
	default:
		return result
	}
	return encode(step)
}
