package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// WaitOption is an option of [WaitForEvent]. [Timeout] is required.
type WaitOption interface{ applyWait(w *wait) }

type wait struct {
	timeout    time.Duration
	conditions []condition
}

type condition struct {
	text    string
	isMatch bool // text is a path in both events
}

func (c condition) applyWait(w *wait) { w.conditions = append(w.conditions, c) }

// If returns a condition for [WaitForEvent]: an expression in the Common Expression Language
// that must be true. In it, event is the event that triggered the run, and async the one
// that the step waits for: `async.data.amount > event.data.limit`.
//
// A condition with event but without async would be the same for every event, so it ends
// the run with an error. A value of event that contains a double quote, a backslash or an
// invisible character does not equal anything: the server does not compare it correctly.
func If(expression string) WaitOption { return condition{text: expression} }

// Match returns a condition for [WaitForEvent]: the event has the same value at path as the
// event that triggered the run, as in Match("data.userId"). The limits of [If] apply.
func Match(path string) WaitOption { return condition{path, true} }

// WaitForEvent waits for an event and returns it, or [ErrTimeout] if none arrives within
// the [Timeout]. If there are several conditions ([If], [Match]), all must hold. Events that
// were sent before the run reached this step do not count.
//
// To the server, a path that an event does not have is null, and null equals null.
// WaitForEvent therefore looks up paths in the Go types of both events, as package flow
// does. A path that they do not have ends the run, without a retry.
func WaitForEvent[T any](
	ctx context.Context, id string, event inngestkit.EventType[T], options ...WaitOption,
) (inngestkit.Event[T], error) {
	var w wait
	for _, o := range options {
		o.applyWait(&w)
	}
	begin := func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if event.Name() == "" { // the server would use the ID of the step instead
			return nil, abort(c, fmt.Errorf("step %q waits for an event without a name: make it with inngestkit.DefineEvent", id))
		}
		if problem := eventpath.NameProblem(event.Name()); problem != "" {
			return nil, abort(c, fmt.Errorf("step %q waits for event %q, whose name %s", id, event.Name(), problem))
		}
		for _, cond := range w.conditions {
			if problem := triggers(c).WaitProblem(cond.text, cond.isMatch, eventpath.ShapeOf(event)); problem != "" {
				return nil, abort(c, fmt.Errorf("step %q waits for event %q on the condition %q, which %s",
					id, event.Name(), cond.text, problem))
			}
		}
		if err := checkTimeout(c, id, fmt.Sprintf("event %q", event.Name()), w.timeout); err != nil {
			return nil, err
		}
		opts := sdkstep.WaitForEventOpts{Event: event.Name(), Timeout: w.timeout, If: w.expression()}
		if err := ask(ctx, c, opts); err != nil {
			return nil, err
		}
		return sdkstep.WaitForEvent[json.RawMessage](ctx, id, opts)
	}
	return call.Wait[inngestkit.Event[T]](ctx, call.Waiting{Kind: call.WaitForEvent, Name: id, Begin: begin, Kept: keptEvent})
}

// keptEvent returns the event that a step has waited for.
func keptEvent(_ *call.Call, _ call.ID, r *envelope.Result) (json.RawMessage, error) {
	if string(r.Raw) == "null" {
		return nil, ErrTimeout
	}
	return r.Raw, nil
}

func (c condition) expression() string {
	if c.isMatch {
		return eventpath.Match(c.text)
	}
	return c.text
}

// triggers returns the events that start the function, nil if they are not known.
func triggers(c *call.Call) *eventpath.Events {
	if c == nil {
		return nil
	}
	return c.Events
}

func (w wait) expression() *string {
	if len(w.conditions) == 0 {
		return nil
	}
	all := w.conditions[0].expression()
	for i, c := range w.conditions[1:] {
		if i == 0 {
			all = "(" + all + ")"
		}
		all += " && (" + c.expression() + ")"
	}
	return &all
}

// SignalOption is an option of [WaitForSignal]. [Timeout] is required.
type SignalOption interface{ applySignal(s *signal) }

type signal struct {
	timeout  time.Duration
	conflict sdkstep.SignalConfict
}

type replace struct{}

func (replace) applySignal(s *signal) { s.conflict = sdkstep.SignalConflictReplace }

// Replace gives the signal to this run if another run is already waiting for it. The other
// run then waits until its timeout. Without Replace, this run fails.
func Replace() SignalOption { return replace{} }

// errSignalTimeout is the ErrTimeout of WaitForSignal.
var errSignalTimeout error = signalTimeoutError{}

type signalTimeoutError struct{}

func (signalTimeoutError) Error() string { return sdkstep.ErrSignalNotReceived.Error() }

// Is reports whether target is ErrTimeout or the SDK's error for signals.
func (signalTimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == sdkstep.ErrSignalNotReceived
}

// WaitForSignal waits for the signal called name and returns its data, or [ErrTimeout] if
// none arrives within the [Timeout]. App.SendSignal and the server's API send signals.
//
// Names are shared by the whole environment, and only one run at a time can wait for a
// name, so include an ID in it. To resume several runs at once, use [WaitForEvent].
func WaitForSignal[T any](ctx context.Context, id, name string, options ...SignalOption) (T, error) {
	s := signal{conflict: sdkstep.SignalConflictFail}
	for _, o := range options {
		o.applySignal(&s)
	}
	begin := func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if name == "" {
			return nil, abort(c, fmt.Errorf("step %q waits for a signal without a name: give it one", id))
		}
		if err := checkTimeout(c, id, fmt.Sprintf("signal %q", name), s.timeout); err != nil {
			return nil, err
		}
		opts := sdkstep.WaitForSignalOpts{Name: id, Signal: name, Timeout: s.timeout, OnConflict: s.conflict}
		if err := ask(ctx, c, opts); err != nil {
			return nil, err
		}
		result, err := sdkstep.WaitForSignal[json.RawMessage](ctx, id, opts)
		if errors.Is(err, sdkstep.ErrSignalNotReceived) {
			err = errSignalTimeout
		}
		return result.Data, err
	}
	return call.Wait[T](ctx, call.Waiting{Kind: call.WaitForSignal, Name: id, Begin: begin, Kept: keptSignal})
}

// keptSignal returns the data of the signal that a step has waited for.
func keptSignal(c *call.Call, id call.ID, r *envelope.Result) (json.RawMessage, error) {
	if string(r.Raw) == "null" {
		return nil, errSignalTimeout
	}
	var signal sdkstep.SignalResult[json.RawMessage]
	if err := json.Unmarshal(r.Data, &signal); err != nil {
		c.Abort(call.MisfitStep(id.Name, signal, err))
	}
	return signal.Data, nil
}

// TimeoutOption is an option of every step that waits: [WaitForEvent],
// [WaitForSignal] and [Invoke].
type TimeoutOption interface {
	WaitOption
	SignalOption
	InvokeOption
}

// Timeout sets how long a step waits: more than 0 and at most 366 days.
func Timeout(d time.Duration) TimeoutOption { return timeout(d) }

type timeout time.Duration

func (t timeout) applyWait(w *wait)     { w.timeout = time.Duration(t) }
func (t timeout) applySignal(s *signal) { s.timeout = time.Duration(t) }
func (t timeout) applyInvoke(i *invoke) { i.timeout = new(time.Duration(t)) }

// Sleep pauses the run for d, at most 366 days. The app does not run meanwhile. A negative
// d counts as zero.
//
// Outside a function, Sleep panics. On a goroutine that the function has started, it ends
// that goroutine with [runtime.Goexit], and the call fails.
func Sleep(ctx context.Context, id string, d time.Duration) {
	begin := func(ctx context.Context, _ call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if d > maxPause {
			return nil, abort(c, fmt.Errorf("step %q sleeps for %s: a run sleeps for at most 366 days", id, d))
		}
		if err := ask(ctx, c, max(d, 0)); err != nil {
			return nil, err
		}
		sdkstep.Sleep(ctx, id, max(d, 0))
		return nil, nil
	}
	slept := func(*call.Call, call.ID, *envelope.Result) (json.RawMessage, error) { return nil, nil }
	_, err := call.Wait[any](ctx, call.Waiting{Kind: call.Sleep, Name: id, Begin: begin, Kept: slept})
	if err != nil && call.From(ctx) != nil {
		runtime.Goexit() // the code after the sleep must not run now, and a panic would end the process
	}
	if err != nil {
		panic(err)
	}
}

// SleepUntil pauses the run until t. A time in the past does not pause it.
func SleepUntil(ctx context.Context, id string, t time.Time) {
	d := time.Until(t)
	if test := testhooks.From(ctx).SleepUntil; test != nil {
		d = test(ctx, id, t)
	}
	Sleep(ctx, id, d)
}
