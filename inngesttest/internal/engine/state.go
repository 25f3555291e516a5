package engine

import "encoding/json"

// state is what the server keeps of a run between its calls.
type state struct {
	// stack has the keys of the finished steps in the order in which they finished.
	stack []string
	// steps are all steps that the run has reached, by key.
	steps map[string]*Step
	// items are the run's items in the queue, and those that are running.
	items []*item
}

// over reports whether the run has ended.
func (r *Run) over() bool { return !r.Ended.IsZero() }

// step returns the step with a key, nil if the run has not reached it.
func (r *Run) step(key string) *Step { return r.steps[key] }

// failure is an error that ends a run at once.
type failure struct{ name, message string }

// opcode is one operation of a response.
type opcode struct {
	Op          string          `json:"op"`
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	DisplayName *string         `json:"displayName"`
	Opts        json.RawMessage `json:"opts"`
	Data        json.RawMessage `json:"data"`
	Error       *stepError      `json:"error"`
	Userland    userland        `json:"userland"`
}

type stepError struct{}

type userland struct {
	ID    string `json:"id"`
	Index int    `json:"index"`
}
