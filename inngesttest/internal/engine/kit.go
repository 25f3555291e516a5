package engine

import (
	"context"
	"encoding/json"
	"fmt"
)

// An Answer decides how a step ends that waits: for an event, a signal or a function.
type Answer struct {
	// TimesOut makes the step reach its timeout: nothing that it waits for is delivered.
	TimesOut bool
	// Result returns what the server would store as the result of the step. Then the step
	// does not wait.
	Result func() json.RawMessage
	// Send is called when the step waits. It may call the engine, for example to send what the
	// step waits for.
	Send func()
}

// An Answerer may return an answer for a step that is about to wait, with its options in the
// protocol. It must not call the engine.
type Answerer func(run *Run, s *Step, opts json.RawMessage) *Answer

// answer applies the answer for a step that is about to wait. It reports whether the step does
// not wait in the usual way.
func (e *Engine) answer(run *Run, s *Step, op *opcode) (answered bool) {
	if e.cfg.Answer == nil {
		return false
	}
	a := e.cfg.Answer(run, s, op.Opts)
	switch {
	case a == nil:
		return false
	case a.Send != nil:
		e.at(e.clock.now(), func() { e.unlocked(a.Send) })
		return false
	case a.TimesOut:
		return e.waitInVain(run, s, op)
	}
	e.stepRow(run, s, "is stubbed")
	e.at(e.clock.now(), func() {
		var result json.RawMessage
		e.unlocked(func() { result = a.Result() })
		e.resume(run, s.Key, result)
	})
	return true
}

// waitInVain lets a step wait for nothing but its timeout.
func (e *Engine) waitInVain(run *Run, s *Step, op *opcode) bool {
	var opts struct {
		Timeout string `json:"timeout"`
	}
	err := json.Unmarshal(op.Opts, &opts)
	expires := e.clock.now().AddDate(1, 0, 0)
	if err == nil && opts.Timeout != "" {
		expires, err = e.expiry(opts.Timeout)
	}
	if err != nil {
		e.hang(run, s, err)
		return true
	}
	result, text := null, "its timeout"
	if op.Op == opInvoke {
		result = invokeTimedOut
	}
	w := e.newWait(run, s, "", expires)
	w.forget = func() {}
	e.stepRow(run, s, "is stubbed to time out in %s", expires.Sub(e.clock.now()))
	e.register(w, result, text)
	return true
}

// Idle reports whether nothing can happen any more, except that schedules of functions fire.
func (e *Engine) Idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.flights) == 0 && e.queue.due.Len() == 0 && e.queue.later.Len() <= len(e.crons)
}

// Land returns when the calls under way have ended. Their responses count, but nothing further
// happens. Only in a bubble do calls outlive the method in which they begin.
func (e *Engine) Land() {
	defer e.drive()()
	for len(e.flights) > 0 {
		e.awaitLanding(context.Background())
		e.land()
	}
}

// Waiting describes what a run waits for, apart from its steps: limits that hold back its calls,
// and the time of the next attempt.
func (e *Engine) Waiting(run *Run) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var reasons []string
	for _, it := range run.items {
		switch {
		case it.running || it.do != nil:
		case it.waiting != "":
			reasons = append(reasons, it.waiting)
		case it.attempt > 0 && it.at.After(e.clock.now()):
			reasons = append(reasons, fmt.Sprintf("attempt %d in %s", it.attempt+1, it.at.Sub(e.clock.now())))
		}
	}
	return reasons
}
