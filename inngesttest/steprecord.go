package inngesttest

import (
	"encoding/json"

	"github.com/inngestkit/inngestkit/core/step"
)

// A StepRecord is a step that a run has reached.
type StepRecord struct {
	// ID is the ID that the function gives the step, and Index tells apart steps with equal
	// IDs, from 0.
	ID    string
	Index int
	// Kind is the name of the step's operation in the protocol, such as StepRun or Sleep.
	Kind string
	// Attempts is how often its callback was tried, 0 for a step without a callback.
	Attempts int
	// Ended reports whether it has a result: an output or an error.
	Ended bool
	// Output is what the server has stored as its output, for step.WaitForEvent the event.
	// It is nil if the step has failed, and null for a timeout.
	Output json.RawMessage
	// Err is its final error, nil for none.
	Err error
	// Errors has the message of each attempt that failed.
	Errors []string
	// Waits describes what a step without a result waits for.
	Waits string
}

// newStepRecord returns a record with what the server has stored as the result of a step.
func newStepRecord(id string, index int, kind string, result json.RawMessage) StepRecord {
	record := StepRecord{ID: id, Index: index, Kind: kind, Ended: result != nil}
	if result == nil {
		return record
	}
	var stored struct {
		Data  json.RawMessage `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	switch {
	case kind == kindWait || kind == kindSleep || json.Unmarshal(result, &stored) != nil:
		record.Output = result
	case stored.Error != nil:
		record.Err = storedError(stored.Error)
	case stored.Data != nil:
		record.Output = stored.Data
	default:
		record.Output = result
	}
	return record
}

// storedError returns the error of a step. The server stores null for some; see core/step.
func storedError(raw json.RawMessage) error {
	var failure step.Error
	if json.Unmarshal(raw, &failure) != nil || failure.Message == "" {
		return step.Error{Name: errorName, Message: "the step failed, and the server did not keep why"}
	}
	return failure
}
