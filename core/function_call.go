package inngestkit

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// RawEvent is an event with its data as JSON, as middleware sees it.
type RawEvent = Event[json.RawMessage]

// A FunctionCall is one call of a function by the server, as middleware sees it. A run
// takes several.
type FunctionCall struct {
	// FunctionID is the ID of the function within its app.
	FunctionID string
	// RunID is the ID of the run, the same for all its calls.
	RunID string
	// Attempt is the zero-based number of the attempt at what the call has to do.
	Attempt int
	// MaxAttempts is the number of attempts, 0 if the server did not send it.
	MaxAttempts int
	// Env is the Inngest environment of the run.
	Env string
	// RequestID and JobID are the server's IDs of this call, "" if it sent none.
	RequestID string
	JobID     string
	// Request is the HTTP request that brought the call, with its body read. It may
	// be kept, and must not be changed. It is nil over [App.Connect].
	Request *adapter.Request

	req      *adapter.Request // also over Connect
	function *function
	chain    *chain
	call     call.Call
	input    InputCtx
	handler  func(ctx context.Context, c *FunctionCall) (any, error)
	hidden   eventFields // the fields of chain that the handler does not get
	started  bool
	// event and batch are the raw JSON of the triggering event and of the batch that it
	// came in. The function decodes them; the SDK never sees them, because it would
	// encode and decode them about ten times.
	event, batch []byte
	decoded      []RawEvent // what Events has decoded
	err          error      // what the middleware has returned
	onEnd        []func(outcome Outcome, err error)
	logs         callHandler // see withLogger
	// sentOutside is set if the function has sent events outside its steps.
	sentOutside atomic.Bool
}

// newCall returns the call that e describes, before the SDK runs the function.
func (f *function) newCall(ctx context.Context, req *adapter.Request, e *envelope.Envelope, targeted bool) *FunctionCall {
	c := &FunctionCall{
		FunctionID: f.source.id, RunID: e.RunID, Attempt: e.Attempt, MaxAttempts: e.MaxAttempts,
		req: req, function: f, chain: f.chain.Load(), event: e.Event, batch: e.Events,
		call: call.Call{
			// A copy, because middleware could change the exported fields.
			Identity: call.Identity{FunctionID: f.source.id, RunID: e.RunID, Attempt: e.Attempt, MaxAttempts: e.MaxAttempts},
			Events:   f.events,
			Caller:   ctx, Inner: ctx,
			Logger:       f.app.config.Logger,
			Checker:      f.app.checker,
			SeveralSteps: f.config.Checkpoint != nil,
			SDKReplays:   f.adopted != nil,
		},
	}
	if f.adopted == nil {
		c.call.Codec = f.app.codec // the SDK has encoding/json only
	}
	if req.Scheme != connectScheme {
		c.Request = req
	}
	c.hidden = c.chain.hidden
	c.call.Hooks = hooks{c}
	c.call.Replay.Start(e, targeted)
	if c.call.SeveralSteps && !targeted && f.adopted == nil {
		c.call.Checkpoints = f.checkpoints(&c.call, e)
	}
	return c
}

// callOf returns the call that ctx belongs to, nil outside a function.
func callOf(ctx context.Context) *FunctionCall {
	if c := call.From(ctx); c != nil {
		return c.Hooks.(hooks).FunctionCall //nolint:forcetypeassert // only newCall makes calls
	}
	return nil
}

// Replaying reports whether the function still replays what earlier calls of the run did.
// The replay ends with the first new step. Before next, Replaying reports whether there was
// an earlier call: if not, the run has just begun, or is at its first step again.
func (c *FunctionCall) Replaying() bool { return c.call.Replay.Replaying() }

// OnFresh registers f, which is called when Replaying ends: when the function has all
// memoized results, or when the callback of a step runs, before the step's middleware. f is
// called once, and at once if the replay is over or the call has none. It is not called if
// the call ends during the replay.
//
// In a call for one step of several parallel ones, everything before this step is
// a replay.
func (c *FunctionCall) OnFresh(f func()) { c.call.Replay.OnFresh(f) }

// LastAttempt reports whether the server does not retry if this call fails. Some errors are
// not retried after any attempt, such as a [NoRetry] and the error of a step that has failed
// for good: [FunctionCall.OnEnd] reports how the call ended.
func (c *FunctionCall) LastAttempt() bool { return c.call.LastAttempt() }

// Events returns the events of the run, one unless they arrive in a batch. Their data
// is a part of the request and must not be changed in place.
func (c *FunctionCall) Events() ([]RawEvent, error) {
	if c.decoded == nil {
		events, err := c.decodeRaw()
		if err != nil {
			return nil, err
		}
		c.decoded = events
	}
	return append([]RawEvent(nil), c.decoded...), nil
}

// SetEvents replaces the events that the function gets, which must be at least one. It has
// no effect after next, nor on what the server keeps.
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
	c.decoded = append([]RawEvent(nil), events...)
	c.event, c.batch = first, all
	return nil
}

// owns reports whether ctx is derived from the context of the call. The results of steps
// would not be memoized otherwise.
func (c *FunctionCall) owns(ctx context.Context) bool { return call.From(ctx) == &c.call }

// hooks is a FunctionCall as the steps of package call see it. It is a type of its own so
// that these methods are not public ones of FunctionCall.
type hooks struct{ *FunctionCall }

var _ call.Hooks = hooks{}

// RunStep implements call.Hooks.
func (h hooks) RunStep(ctx context.Context, id call.ID, callback call.Callback) call.StepEnd {
	step := h.stepCall(id)
	step.callback, step.inner = callback, ctx
	returned := false
	defer func() {
		if !returned {
			step.end(step.unwound())
		}
	}()
	output, err := h.chain.step(ctx, step)
	if step.yielded {
		call.Yield()
	}
	returned = true
	return call.StepEnd{Output: output, Err: err, Inner: step.inner, Report: step.end}
}

// RestoreResult implements call.Hooks.
func (h hooks) RestoreResult(ctx context.Context, id call.ID, data json.RawMessage) (json.RawMessage, error) {
	return h.applyHooks(ctx, "Restore", h.chain.restore, id, data)
}

// InvokeData implements call.Hooks.
func (h hooks) InvokeData(ctx context.Context, id call.ID, data json.RawMessage) (json.RawMessage, error) {
	return h.applyHooks(ctx, "Invoke", h.chain.invoke, id, data)
}

// HideFields implements call.Hooks.
func (h hooks) HideFields(t reflect.Type, event json.RawMessage) json.RawMessage {
	if len(h.hidden) == 0 {
		return event
	}
	return h.hidden.hideFrom(t, event)
}

// CheckInvocable implements call.Hooks.
func (h hooks) CheckInvocable(function any) error { return h.function.app.checkInvocable(function) }

func (c *FunctionCall) stepCall(id call.ID) *StepCall {
	return &StepCall{ID: id.Name, Kind: string(id.Kind), Index: id.Index, Function: c}
}

// applyHooks passes the data of a step through hooks of the middleware, which are called
// name there.
func (c *FunctionCall) applyHooks(
	ctx context.Context, name string, hooks []dataHook, id call.ID, data json.RawMessage,
) (json.RawMessage, error) {
	if len(hooks) == 0 {
		return data, nil
	}
	step := c.stepCall(id)
	var err error
	for _, hook := range hooks {
		if data, err = hook(ctx, step, data); err != nil {
			return nil, err
		}
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("the middleware's %s returned data for step %q that is not JSON", name, step.ID)
	}
	return data, nil
}
