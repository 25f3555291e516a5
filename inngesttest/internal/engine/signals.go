package engine

import (
	"encoding/json"
	"errors"
	"fmt"
)

// waitForSignal handles the operation WaitForSignal. One run at a time can wait for a
// signal.
func (e *Engine) waitForSignal(run *Run, s *Step, op *opcode) *failure {
	var opts struct {
		Signal   string `json:"signal"`
		Timeout  string `json:"timeout"`
		Conflict string `json:"conflict"`
	}
	err := json.Unmarshal(op.Opts, &opts)
	if err == nil && opts.Signal == "" {
		err = errors.New("the name of the signal is empty")
	}
	expires := e.clock.now().AddDate(1, 0, 0)
	if err == nil && opts.Timeout != "" {
		expires, err = e.expiry(opts.Timeout)
	}
	if err != nil {
		e.hang(run, s, err)
		return nil
	}
	if run.waitsAlready(s) {
		return nil
	}
	if other := e.signals[opts.Signal]; other != nil {
		if opts.Conflict != "replace" {
			e.stepRow(run, s, "another run waits for signal %q: %s", opts.Signal, other.run.ID)
			return &failure{name: defaultErrorName, message: "Signal conflict; signal wait already exists for another run"}
		}
		e.stepRow(other.run, other.step, "loses signal %q to run %s, and waits for its timeout", opts.Signal, run.ID)
	}
	w := e.newWait(run, s, opts.Signal, expires)
	e.signals[w.name] = w
	w.forget = func() {
		if e.signals[w.name] == w {
			delete(e.signals, w.name)
		}
	}
	text := fmt.Sprintf("signal %q", w.name)
	e.stepRow(run, s, "waits for %s, at most %s", text, expires.Sub(e.clock.now()))
	e.register(w, null, text)
	return nil
}

// Signal sends a signal, as POST /v1/signals does, and reports whether a run waits for it.
func (e *Engine) Signal(name string, data json.RawMessage) (runID string, found bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.signals[name]
	if w == nil || w.expires.Before(e.clock.now()) {
		e.row(nil, "signal %q is lost: no run waits for it", name)
		return "", false
	}
	if len(data) == 0 {
		data = null
	}
	result, err := canonicalOf(map[string]any{fieldData: map[string]any{fieldData: data, "signal": name}})
	if err != nil {
		e.fault(w.run, "signal %q: %v: a real server would keep data that it cannot send to the app", name, err)
		return "", false
	}
	e.unregister(w)
	e.stepRow(w.run, w.step, "receives signal %q", name)
	e.resume(w.run, w.step.Key, result)
	return w.run.ID, true
}
