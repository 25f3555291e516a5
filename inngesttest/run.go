package inngesttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// RunStatus is the state of a run.
type RunStatus string

// The states of a run. As in the server's API, a run that is queued, sleeps or waits is
// RunRunning; [FunctionRun.Waiting] has more.
const (
	RunRunning   RunStatus = "Running"
	RunCompleted RunStatus = "Completed"
	RunFailed    RunStatus = "Failed"
	RunCancelled RunStatus = "Cancelled"
	RunSkipped   RunStatus = "Skipped"
)

// Ended reports whether a run in this state has ended.
func (s RunStatus) Ended() bool { return s != "" && s != RunRunning }

// A FunctionRun is a run of a function. Its methods fail the test if there is none yet, for
// example because its event waits in a batch.
type FunctionRun struct {
	env      *Env
	function string // its slug
	cause    string // what starts it, "" if it exists
	handle   handle // nil until it exists
	find     func() handle
}

// A TypedRun is a [FunctionRun] of a function that returns R.
type TypedRun[R any] struct{ *FunctionRun }

// AnyRun is a [FunctionRun] or a [TypedRun].
type AnyRun interface{ functionRun() *FunctionRun }

// runState is what is known about a run.
type runState struct {
	status  RunStatus
	output  json.RawMessage
	events  []inngestkit.RawEvent
	steps   []StepRecord
	calls   int
	waiting []string
}

// Wait lets time pass until the run has ended, and returns it. The test fails if it can never
// end. On the real server, Wait ends shortly before the deadline of the test.
func (r *FunctionRun) Wait() *FunctionRun {
	r.env.tb.Helper()
	ended := func() bool { return r.exists() && r.handle.ended() }
	if err := r.env.backend.await(ended); err != nil {
		if r.handle == nil {
			r.env.fatalf(nil, "%s has started no run of %s, and none will start: %v", r.cause, r.function, err)
		}
		r.env.fatalf(r.handle, "the run of %s does not end: %v\nIt waits for: %s", r.function, err,
			orNextCall(r.handle.state().waiting))
	}
	return r
}

// Reach lets time pass until the run has reached the step with the ID: its callback has run, or
// the server waits for it. Then a test can send what the step waits for. The test fails if the
// run ends without it.
func (r *FunctionRun) Reach(id string) *FunctionRun {
	r.env.tb.Helper()
	reached := func() bool {
		return r.exists() && slices.ContainsFunc(r.handle.state().steps, func(s StepRecord) bool { return s.ID == id })
	}
	err := r.env.backend.await(func() bool { return reached() || r.exists() && r.handle.state().status.Ended() })
	if err == nil && reached() {
		return r
	}
	if r.handle == nil {
		r.env.fatalf(nil, "%s starts no run of %s: %v\n%s", r.cause, r.function, err, r.env.backend.decisions())
	}
	r.env.fatalf(r.handle, "the run of %s does not reach the step %q", r.function, id)
	return r
}

// orNextCall returns what a run waits for.
func orNextCall(waiting []string) string {
	if len(waiting) == 0 {
		return "its next call"
	}
	return strings.Join(waiting, ", ")
}

// Wait is [FunctionRun.Wait].
func (r *TypedRun[R]) Wait() *TypedRun[R] {
	r.env.tb.Helper()
	r.FunctionRun.Wait()
	return r
}

// ID returns the ID of the run.
func (r *FunctionRun) ID() string {
	r.env.tb.Helper()
	return r.get().id()
}

// Function returns the ID of the app and that of the function: "shop-order".
func (r *FunctionRun) Function() string { return r.function }

// Status returns the state of the run.
func (r *FunctionRun) Status() RunStatus {
	r.env.tb.Helper()
	return r.get().state().status
}

// Events returns the events that have started the run: one, or those of its batch. [EventsOf]
// decodes them.
func (r *FunctionRun) Events() []inngestkit.RawEvent {
	r.env.tb.Helper()
	return r.get().state().events
}

// Output returns what the function returned. The test fails unless the run has completed.
func (r *TypedRun[R]) Output() R {
	r.env.tb.Helper()
	var output R
	decode(r.FunctionRun, "the output", r.OutputJSON(), &output)
	return output
}

// OutputJSON returns what the function returned, as JSON. The test fails unless the run has
// completed.
func (r *FunctionRun) OutputJSON() json.RawMessage {
	r.env.tb.Helper()
	h := r.get()
	state := h.state()
	switch {
	case state.status == RunCompleted:
		return state.output
	case !state.status.Ended():
		r.env.fatalf(h, "the run of %s has no output, because it has not ended; call Wait first\nIt waits for: %s",
			r.function, orNextCall(state.waiting))
	default:
		r.env.fatalf(h, "the run of %s has no output, it is %s: %v", r.function, state.status, state.err())
	}
	return nil
}

// Err returns the error of a run that has failed, an inngestkit.RunError, or an error that says
// that the run was cancelled. It is nil for other runs.
func (r *FunctionRun) Err() error {
	r.env.tb.Helper()
	return r.get().state().err()
}

func (s runState) err() error {
	switch s.status {
	case RunFailed:
		return runError(s.output)
	case RunCancelled:
		return errors.New("the run was cancelled")
	default:
		return nil
	}
}

// errorName is the name of errors without one of their own.
const errorName = "Error"

// runError returns the error in the output of a failed run: {"error":{…}}, or the response of
// the app.
func runError(output json.RawMessage) error {
	var wrapped struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(output, &wrapped) == nil && len(wrapped.Error) > 0 && wrapped.Error[0] == '{' {
		output = wrapped.Error
	}
	var failed inngestkit.RunError
	if json.Unmarshal(output, &failed) != nil || failed.Message == "" {
		return inngestkit.RunError{Name: errorName, Message: strings.Trim(string(output), `"`)}
	}
	return failed
}

// Steps returns the steps that the run has reached, in order.
func (r *FunctionRun) Steps() []StepRecord {
	r.env.tb.Helper()
	return r.get().state().steps
}

// Step returns the first step with the ID. The test fails if the run has not reached one.
func (r *FunctionRun) Step(id string) StepRecord {
	r.env.tb.Helper()
	h := r.get()
	steps := h.state().steps
	i := slices.IndexFunc(steps, func(s StepRecord) bool { return s.ID == id })
	if i < 0 {
		ids := make([]string, len(steps))
		for i, s := range steps {
			ids[i] = s.ID
		}
		r.env.fatalf(h, "the run of %s has not reached the step %q; it has reached: %s", r.function, id, orNone(ids))
	}
	return steps[i]
}

// StepOutput returns the output of the first step with the ID, as the server has stored it:
// encrypted if middleware encrypts it. For step.WaitForEvent, T is the type of the event. The
// test fails if the step has no output.
func StepOutput[T any](run AnyRun, id string) T {
	r := run.functionRun()
	r.env.tb.Helper()
	s := r.Step(id)
	if s.Output == nil {
		state := "it has not ended"
		if s.Err != nil {
			state = "it has failed: " + s.Err.Error()
		}
		r.env.fatalf(r.handle, "the step %q has no output, %s", id, state)
	}
	var output T
	decode(r, fmt.Sprintf("the output of step %q", id), s.Output, &output)
	return output
}

func decode(r *FunctionRun, what string, raw json.RawMessage, into any) {
	r.env.tb.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		r.env.fatalf(r.handle, "%s does not fit the type %T: %v: %s", what, into, err, raw)
	}
}

// Calls returns how often the app was called for the run.
func (r *FunctionRun) Calls() int {
	r.env.tb.Helper()
	return r.get().state().calls
}

// Waiting describes what the run waits for: events, the end of a sleep, a limit.
func (r *FunctionRun) Waiting() []string {
	r.env.tb.Helper()
	return r.get().state().waiting
}

// Cancel cancels the run, as the UI and the API of the server do.
func (r *FunctionRun) Cancel() {
	r.env.tb.Helper()
	h := r.get()
	if err := h.cancel(); err != nil {
		r.env.fatalf(h, "the run of %s cannot be cancelled: %v", r.function, err)
	}
}

// Timeline returns the timeline of the run as a table: the time since the test began, the
// number of the call, the step, its attempt and the outcome. Every failing test prints it.
func (r *FunctionRun) Timeline() string {
	r.env.tb.Helper()
	return r.get().timeline()
}

func (r *FunctionRun) functionRun() *FunctionRun { return r }

// exists reports whether there is a run.
func (r *FunctionRun) exists() bool {
	if r.handle == nil {
		r.handle = r.find()
	}
	return r.handle != nil
}

// get returns the run, or fails the test.
func (r *FunctionRun) get() handle {
	r.env.tb.Helper()
	r.env.backend.settle()
	if !r.exists() {
		r.env.fatalf(nil, "%s has started no run of %s yet. If a batch or a debounce holds it, let time pass with "+
			"Advance or Wait", r.cause, r.function)
	}
	return r.handle
}
