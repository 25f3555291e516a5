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
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// WaitOption is an option of [WaitForEvent]. [Timeout] is required.
type WaitOption interface{ applyWait(w *wait) }

type wait struct {
	timeout    time.Duration
	conditions []condition
}

type condition struct {
	text    string
	isMatch bool // text is a path within both events
}

func (c condition) applyWait(w *wait) { w.conditions = append(w.conditions, c) }

// If waits for an event for which expression, in the Common Expression Language,
// is true. In it, event is the event that triggered the run and async the one
// that is waited for: `async.data.amount > event.data.limit`. A condition that has event and
// not async is the same for whatever comes, and ends the run. A value of event that has a
// double quote, a backslash or an invisible character in it is equal to nothing there.
func If(expression string) WaitOption { return condition{text: expression} }

// Match waits for an event that has the same value at path as the event that
// triggered the run: Match("data.userId"). It has the limits of [If].
func Match(path string) WaitOption { return condition{path, true} }

// WaitForEvent waits for an event and returns it, or [ErrTimeout] if it did not
// come in time. With several conditions, all must hold. Events sent before the
// run arrived here do not count.
//
// The server takes a path that an event does not have for null, and null equals null.
// So paths are looked up in the Go types of both events, as in package flow, and a path
// that is not there ends the run, without a retry.
func WaitForEvent[T any](
	ctx context.Context, id string, event inngestkit.EventType[T], options ...WaitOption,
) (inngestkit.Event[T], error) {
	var w wait
	for _, o := range options {
		o.applyWait(&w)
	}
	return call.Wait[inngestkit.Event[T]](ctx, call.WaitForEvent, id, func(call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if event.Name() == "" { // the server would take the ID for it
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
		return sdkstep.WaitForEvent[json.RawMessage](ctx, id, sdkstep.WaitForEventOpts{
			Event: event.Name(), Timeout: w.timeout, If: w.expression(),
		})
	})
}

func (c condition) expression() string {
	if c.isMatch {
		return eventpath.Match(c.text)
	}
	return c.text
}

// triggers are the events that start the function, nil if they are not known.
func triggers(c *call.Call) *eventpath.Events {
	if c == nil {
		return nil
	}
	return c.Triggers
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

// Replace has this run get the signal if another run waits for the same one. The
// other then waits in vain, to the end of its timeout. Without it, this run fails.
func Replace() SignalOption { return replace{} }

// errSignalTimeout is ErrTimeout for signals.
var errSignalTimeout error = signalTimeoutError{}

type signalTimeoutError struct{}

func (signalTimeoutError) Error() string { return sdkstep.ErrSignalNotReceived.Error() }

// Is makes it the same error as for events, and as the SDK's.
func (signalTimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == sdkstep.ErrSignalNotReceived
}

// WaitForSignal waits for the signal called name, which App.SendSignal or the
// server's API sends, and returns its data, or [ErrTimeout] if it did not come in
// time. The name is one for the whole environment, and one run at a time can wait
// for it: put an ID into it. To resume several runs at once, use [WaitForEvent].
func WaitForSignal[T any](ctx context.Context, id, name string, options ...SignalOption) (T, error) {
	s := signal{conflict: sdkstep.SignalConflictFail}
	for _, o := range options {
		o.applySignal(&s)
	}
	return call.Wait[T](ctx, call.WaitForSignal, id, func(call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		if name == "" {
			return nil, abort(c, fmt.Errorf("step %q waits for a signal without a name: give it one", id))
		}
		if err := checkTimeout(c, id, fmt.Sprintf("signal %q", name), s.timeout); err != nil {
			return nil, err
		}
		result, err := sdkstep.WaitForSignal[json.RawMessage](ctx, id, sdkstep.WaitForSignalOpts{
			Name: id, Signal: name, Timeout: s.timeout, OnConflict: s.conflict,
		})
		if errors.Is(err, sdkstep.ErrSignalNotReceived) {
			err = errSignalTimeout
		}
		return result.Data, err
	})
}

// TimeoutOption is an option of every step that waits: [WaitForEvent],
// [WaitForSignal] and [Invoke].
type TimeoutOption interface {
	WaitOption
	SignalOption
	InvokeOption
}

// Timeout is how long to wait: more than 0 and at most 366 days.
func Timeout(d time.Duration) TimeoutOption { return timeout(d) }

type timeout time.Duration

func (t timeout) applyWait(w *wait)     { w.timeout = time.Duration(t) }
func (t timeout) applySignal(s *signal) { s.timeout = time.Duration(t) }
func (t timeout) applyInvoke(i *invoke) { i.timeout = new(time.Duration(t)) }

// Sleep pauses the run for d, at most 366 days. Nothing of the app runs in the
// meantime. A negative d counts as zero. Outside a function, which has a run to pause,
// it panics. On a goroutine that the function has started, it ends that goroutine with
// [runtime.Goexit], and the call fails.
func Sleep(ctx context.Context, id string, d time.Duration) {
	_, err := call.Wait[any](ctx, call.Sleep, id, func(call.ID) (json.RawMessage, error) {
		if d > maxPause {
			return nil, abort(call.From(ctx), fmt.Errorf("step %q sleeps for %s: a run sleeps for at most 366 days", id, d))
		}
		sdkstep.Sleep(ctx, id, max(d, 0))
		return nil, nil
	})
	if err != nil && call.From(ctx) != nil {
		runtime.Goexit() // what comes behind the sleep must not run now, and a panic would end the process
	}
	if err != nil {
		panic(err)
	}
}

// SleepUntil pauses the run until t. A time in the past does not pause it.
func SleepUntil(ctx context.Context, id string, t time.Time) {
	Sleep(ctx, id, time.Until(t))
}
