package step

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// WaitOption is an option of [WaitForEvent]. [Timeout] is required.
type WaitOption interface{ applyWait(w *wait) }

type wait struct {
	timeout    time.Duration
	conditions []string
}

type condition string

func (c condition) applyWait(w *wait) { w.conditions = append(w.conditions, string(c)) }

// If waits for an event for which expression, in the Common Expression Language,
// is true. In it, event is the event that triggered the run and async the one
// that is waited for: `async.data.amount > event.data.limit`.
func If(expression string) WaitOption { return condition(expression) }

// Match waits for an event that has the same value at path as the event that
// triggered the run: Match("data.userId").
func Match(path string) WaitOption {
	return condition(fmt.Sprintf("event.%s == async.%s", path, path))
}

// WaitForEvent waits for an event and returns it, or [ErrTimeout] if it did not
// come in time. With several conditions, all must hold. Events sent before the
// run arrived here do not count.
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
			return nil, abort(c, fmt.Errorf("step %q waits for an event without a name: make it with inngestkit.NewEvent", id))
		}
		if err := checkTimeout(c, id, fmt.Sprintf("event %q", event.Name()), w.timeout); err != nil {
			return nil, err
		}
		return sdkstep.WaitForEvent[json.RawMessage](ctx, id, sdkstep.WaitForEventOpts{
			Event: event.Name(), Timeout: w.timeout, If: w.expression(),
		})
	})
}

func (w wait) expression() *string {
	if len(w.conditions) == 0 {
		return nil
	}
	all := w.conditions[0]
	for i, c := range w.conditions[1:] {
		if i == 0 {
			all = "(" + all + ")"
		}
		all += " && (" + c + ")"
	}
	return &all
}
