package envelope

import (
	"bytes"
	"errors"
	"slices"
)

const null = "null"

// Results are the memoized results of a run, in the order of their keys.
type Results []Result

// A Result is the memoized result of a step. Its parts are slices of the body.
type Result struct {
	// Key is the step's name in the protocol, in hexadecimal.
	Key []byte
	// Raw is the result as the server sent it.
	Raw []byte
	// Data and Error are members of Raw, nil if it does not have them. Error is never null.
	Data, Error []byte
}

var errNoResults = errors.New(`the body's "steps" are not a JSON object`)

// Find returns the result of a step, nil if it has none.
func (r Results) Find(key []byte) *Result {
	i, found := slices.BinarySearchFunc(r, key, func(r Result, key []byte) int { return bytes.Compare(r.Key, key) })
	if !found {
		return nil
	}
	for i+1 < len(r) && bytes.Equal(r[i+1].Key, key) {
		i++ // as in encoding/json, the last one counts
	}
	return &r[i]
}

// results reads the memoized results by step. Other values than an object have none.
func (s *scanner) results() (steps []byte, results Results) {
	if !s.isObject() {
		if steps = s.value(); string(steps) == null {
			steps = nil
		}
		return steps, nil
	}
	steps = s.members(func(key []byte) {
		if r, isInput := s.result(); !isInput {
			r.Key = key
			results = append(results, r)
		}
	})
	byKey := func(a, b Result) int { return bytes.Compare(a.Key, b.Key) }
	if !slices.IsSortedFunc(results, byKey) { // the server sends them sorted
		slices.SortStableFunc(results, byKey)
	}
	return steps, results
}

// result reads one memoized result, and reports whether it is an input instead.
func (s *scanner) result() (r Result, isInput bool) {
	if !s.isObject() {
		r.Raw = s.value()
		return r, bytes.HasPrefix(r.Raw, encodedInput)
	}
	others := false
	r.Raw = s.members(func(key []byte) {
		value := s.value()
		switch string(key) {
		case "input":
			isInput = true
			return
		case "data":
			r.Data = value
		case "error":
			r.Error = value
		}
		others = true
	})
	if string(r.Error) == null {
		if r.Error = nil; r.Data == nil {
			r.Error = LostError
		}
	}
	return r, isInput && !others
}
