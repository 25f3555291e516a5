package engine

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	str2duration "github.com/xhit/go-str2duration/v2"

	"github.com/inngestkit/inngestkit/inngesttest/internal/expr"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// A wait is a step that waits for an event, a signal or the end of an invoked run.
type wait struct {
	run  *Run
	step *Step
	// name is the name of the event or signal, or the correlation ID of an invocation.
	name string
	// condition is the expression that the event must meet, after the server has put the
	// values of the triggering event in it; "" for none.
	condition string
	expires   time.Time
	timeout   *item
	// function is the slug of the invoked function.
	function string
	// number is the position of the wait among all arrivals.
	number uint64
	// forget removes the wait from where it is found.
	forget func()
}

// maxTimeout is the longest wait that [version.Newest] accepts: MaxWaitForEventTimeout in
// pkg/consts of the server.
const maxTimeout = 366 * 24 * time.Hour

var null = json.RawMessage("null")

// errTimeout says that a timeout cannot be read. The server would try again and again to
// handle the response, and the run would hang.
var errTimeout = errors.New("timeout")

// newWait returns a wait that is not registered yet.
func (e *Engine) newWait(run *Run, s *Step, name string, expires time.Time) *wait {
	e.arrivals++
	return &wait{
		run: run, step: s, name: name, expires: expires, number: e.arrivals,
	}
}

// register makes a wait count. onTimeout is the step's result if nothing arrives in time.
func (e *Engine) register(w *wait, onTimeout json.RawMessage, text string) {
	w.step.Waits = text
	w.run.waits = append(w.run.waits, w)
	w.timeout = e.at(w.expires, func() {
		e.unregister(w)
		e.stepRow(w.run, w.step, "times out: %s", text)
		e.resume(w.run, w.step.Key, onTimeout)
	})
}

// unregister ends a wait without a result.
func (e *Engine) unregister(w *wait) {
	w.step.Waits = ""
	e.drop(w.timeout)
	w.forget()
	w.run.waits = slices.DeleteFunc(w.run.waits, func(other *wait) bool { return other == w })
}

// waitsAlready reports whether a step of a run waits: the app may announce it again.
func (r *Run) waitsAlready(s *Step) bool {
	return slices.ContainsFunc(r.waits, func(w *wait) bool { return w.step == s })
}

// expiry returns the time of a timeout: a duration from now, or a date.
func (e *Engine) expiry(text string) (time.Time, error) {
	now := e.clock.now()
	if d, err := str2duration.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil && e.cfg.Version != version.Oldest {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%w %q is not a duration such as 1d2h", errTimeout, text)
}

// hang reports a response that the server cannot handle, however often it tries.
func (e *Engine) hang(run *Run, s *Step, err error) {
	e.fault(run, "step %q: %v: a real server cannot handle this response, and the run would hang", s.ID, err)
}

// waitForEvent handles the operation WaitForEvent.
func (e *Engine) waitForEvent(run *Run, s *Step, op *opcode) *failure {
	var opts struct {
		Event   string  `json:"event"`
		Timeout string  `json:"timeout"`
		If      *string `json:"if"`
	}
	if err := json.Unmarshal(op.Opts, &opts); err != nil {
		e.hang(run, s, err)
		return nil
	}
	opts.Event = cmp.Or(opts.Event, op.Name)
	if run.waitsAlready(s) {
		return nil
	}
	condition, failed, err := e.waitCondition(run, opts.If)
	if err != nil {
		e.hang(run, s, err)
		return nil
	}
	if failed != nil {
		return failed
	}
	now := e.clock.now()
	expires := now
	if opts.Timeout != "" {
		if expires, err = e.expiry(opts.Timeout); err != nil {
			e.hang(run, s, err)
			return nil
		}
	}
	if e.cfg.Version != version.Oldest && expires.Sub(now) > maxTimeout {
		return &failure{name: nameTooLong, message: fmt.Sprintf("The wait-for-event timeout %q expires "+
			"more than one year in the future; timeouts may last at most one year.", opts.Timeout)}
	}
	w := e.newWait(run, s, opts.Event, expires)
	w.condition = condition
	if e.waits[w.name] == nil {
		e.waits[w.name] = map[*wait]struct{}{}
	}
	e.waits[w.name][w] = struct{}{}
	w.forget = func() {
		delete(e.waits[w.name], w)
		if len(e.waits[w.name]) == 0 {
			delete(e.waits, w.name)
		}
	}
	text := fmt.Sprintf("event %q", w.name)
	if w.condition != "" {
		text += " if " + w.condition
	}
	e.stepRow(run, s, "waits for %s, at most %s", text, expires.Sub(now))
	e.register(w, null, text)
	e.warnOfRace(w)
	return nil
}

// warnOfRace notes that an event arrived in the instant in which a wait began. On a server it
// depends on milliseconds whether the wait receives it.
func (e *Engine) warnOfRace(w *wait) {
	for _, ev := range slices.Backward(e.log) {
		if !ev.Received.Equal(e.clock.now()) {
			return
		}
		if ev.Name == w.name {
			e.stepRow(w.run, w.step,
				"race: event %q arrived at the same time, just before the wait began, and is not received", w.name)
			return
		}
	}
}

// waitCondition returns the condition of a wait with the values of the triggering event in
// it, or why the run fails, or why the server cannot handle it.
func (e *Engine) waitCondition(run *Run, condition *string) (string, *failure, error) {
	if condition == nil {
		return "", nil, nil
	}
	if err := e.expressions.CheckWait(*condition); err != nil {
		message := "Wait for event If expression failed to compile"
		return "", &failure{name: "InvalidExpression", message: message, stack: err.Error()}, nil
	}
	if !strings.Contains(*condition, "event.") {
		return *condition, nil, nil
	}
	residue, err := e.interpolate(run, *condition, run.Events[0])
	if _, invalid := errors.AsType[*expr.CompileError](err); invalid {
		return "", &failure{name: "CompileError", message: "Could not compile expression"}, nil
	}
	return residue, nil, err
}

// resumeWaits resumes the runs that wait for an event, in the order in which they began to.
func (e *Engine) resumeWaits(ev *Event, number uint64) {
	for _, w := range inOrder(e.waits[ev.Name], func(w *wait) uint64 { return w.number }) {
		if _, waiting := e.waits[ev.Name][w]; !waiting {
			continue
		}
		if w.number > number {
			continue
		}
		if w.condition != "" {
			met := e.value(w.run, w.condition, expr.Vars{"async": ev.Decoded})
			if !met.OK {
				e.stepRow(w.run, w.step, "event %q is not received: the condition %s %s", ev.Name, w.condition, verdict(met))
				continue
			}
			if len(met.Why) > 0 {
				e.stepRow(w.run, w.step, "the condition %s is true because %s", w.condition, strings.Join(met.Why, ", and "))
			}
		}
		e.unregister(w)
		e.stepRow(w.run, w.step, "receives event %q", ev.Name)
		e.resume(w.run, w.step.Key, ev.Encoded)
	}
}

// inOrder returns the keys of a set by their number.
func inOrder[T comparable](set map[T]struct{}, number func(T) uint64) []T {
	if len(set) == 0 {
		return nil
	}
	ordered := make([]T, 0, len(set))
	for value := range set {
		ordered = append(ordered, value)
	}
	slices.SortFunc(ordered, func(a, b T) int { return cmp.Compare(number(a), number(b)) })
	return ordered
}
