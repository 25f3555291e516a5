package inngestkit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// RawEvent is an event with its data as JSON, as middleware sees it.
type RawEvent = Event[json.RawMessage]

// FunctionCall is one call of a function by the server, as middleware sees it. A
// run takes several.
type FunctionCall struct {
	// FunctionID is the ID of the function within its app.
	FunctionID string
	// RunID is the ID of the run, the same for all its calls.
	RunID string
	// Attempt counts the tries of what the call is to do, from 0.
	Attempt int
	// MaxAttempts is how many tries there are, 0 if the server did not say.
	MaxAttempts int
	// Env is the Inngest environment of the run.
	Env string
	// RequestID and JobID are the server's names of this call; "" if it gave none.
	RequestID string
	JobID     string
	// Request is the HTTP request that brought the call, with its body read. It may
	// be kept, and must not be changed. It is nil over [App.Connect].
	Request *adapter.Request

	function *function
	call     *call.Call
	input    InputCtx
	handler  func(ctx context.Context, c *FunctionCall) (any, error)
	hidden   eventFields
	started  bool
	events   []RawEvent
	err      error // what the middleware has returned
	onEnd    []func(outcome Outcome, err error)
}

// functionCall is c as middleware sees it.
func (f *function) functionCall(c *call.Call, input InputCtx) *FunctionCall {
	return &FunctionCall{
		FunctionID:  c.FunctionID,
		RunID:       c.RunID,
		Attempt:     c.Attempt,
		MaxAttempts: c.MaxAttempts,
		Env:         input.Env,
		RequestID:   input.RequestID,
		JobID:       input.JobID,
		Request:     httpRequest(c.Request),
		function:    f,
		call:        c,
		input:       input,
	}
}

// httpRequest returns the request of a call, nil if the call came over a connection.
func httpRequest(request any) *adapter.Request {
	if req, ok := request.(*adapter.Request); ok && req.Scheme != connectURL.Scheme {
		return req
	}
	return nil
}

// Replaying reports whether the function is still being taken through what earlier
// calls of the run did. It ends with the first step that is new. Before next, it
// says whether there was an earlier call: the run has just begun, or is at its
// first step again, if not.
func (c *FunctionCall) Replaying() bool { return c.call.Replay.Replaying() }

// OnFresh registers f to be called when Replaying ends: when the function has all the
// results that earlier calls have kept, or when the callback of a step runs, before
// the step's middleware. f is called once, and at once if nothing is replayed or the
// replay is over. A call that ends before that does not call it.
//
// In a call for one step of several parallel ones, everything before this step is
// a replay.
func (c *FunctionCall) OnFresh(f func()) { c.call.Replay.OnFresh(f) }

// LastAttempt reports whether the server will not try again if this call fails. Some
// errors are not tried again at any attempt, such as a [NoRetry] and the error of a
// step that has failed for good: how the call ended is what [FunctionCall.OnEnd] tells.
func (c *FunctionCall) LastAttempt() bool { return c.MaxAttempts > 0 && c.Attempt+1 >= c.MaxAttempts }

// Events returns the events of the run, one unless they come in a batch. Their data
// is a part of the request and must not be changed in place.
func (c *FunctionCall) Events() ([]RawEvent, error) {
	if c.events == nil {
		events, err := c.decodeRaw()
		if err != nil {
			return nil, err
		}
		c.events = events
	}
	return append([]RawEvent(nil), c.events...), nil
}

// SetEvents replaces the events that the function gets; there must be at least
// one. It has no effect after next, nor on what the server keeps.
func (c *FunctionCall) SetEvents(events []RawEvent) error {
	if len(events) == 0 {
		return fmt.Errorf("inngestkit: function %q: SetEvents without events; a function needs at least one", c.FunctionID)
	}
	all, err := json.Marshal(events)
	if err != nil {
		return fmt.Errorf("inngestkit: function %q: SetEvents: the data of an event is not JSON: %w", c.FunctionID, err)
	}
	first, err := json.Marshal(events[0])
	if err != nil {
		return fmt.Errorf("inngestkit: function %q: SetEvents: %w", c.FunctionID, err)
	}
	c.events = append([]RawEvent(nil), events...)
	c.call.Event, c.call.Events = first, all
	return nil
}

// prepare makes the steps of the call run inside the middleware, and adds what
// functions find in their context.
func (c *FunctionCall) prepare(ctx context.Context, chain *chain) context.Context {
	c.call.Function = c
	c.call.Step = func(ctx context.Context, id call.ID, callback func(context.Context) (any, error)) call.StepEnd {
		step := c.stepCall(id)
		step.callback, step.inner = callback, ctx
		returned := false
		defer func() {
			if !returned {
				step.end(step.unwound())
			}
		}()
		output, err := chain.step(ctx, step)
		if step.yielded {
			call.Yield()
		}
		returned = true
		return call.StepEnd{Output: output, Err: err, Inner: step.inner, Tell: step.end}
	}
	if len(chain.restore) > 0 {
		c.call.Restore = func(ctx context.Context, id call.ID, data json.RawMessage) (json.RawMessage, error) {
			return through(ctx, "Restore", chain.restore, c.stepCall(id), data)
		}
	}
	if len(chain.invoke) > 0 {
		c.call.Invoke = func(ctx context.Context, id call.ID, data json.RawMessage) (json.RawMessage, error) {
			return through(ctx, "Invoke", chain.invoke, c.stepCall(id), data)
		}
	}
	if c.hidden = chain.hidden; len(c.hidden) > 0 {
		c.call.Hide = c.hidden.hideFrom
	}
	c.call.Send = chain.send
	return withLogger(ctx, c)
}

// owns reports whether ctx is derived from the context of the call. Steps would run
// without being kept otherwise.
func (c *FunctionCall) owns(ctx context.Context) bool { return call.From(ctx) == c.call }

func (c *FunctionCall) stepCall(id call.ID) *StepCall {
	return &StepCall{ID: id.Name, Kind: string(id.Kind), Index: id.Index, Function: c}
}
