package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	"github.com/tidwall/gjson"
)

// SDKMiddleware makes middleware of one that is written for the SDK. Like there,
// factory is called for each call of a function. Other than there, TransformOutput
// sees the output of every step, also if a call runs several; the hooks after the
// function get the context that TransformInput has set; and Steps holds the kept
// results of steps, by the SHA-1 of their IDs, as the server sends them. They are
// there to be read: Restore of [Middleware] changes them.
//
// Numbers in the data of events are float64 there. Events that TransformInput
// does not change keep all digits.
func SDKMiddleware(factory func() middleware.Middleware) Middleware {
	key := new(sdkKey)
	return Middleware{
		Function: func(next FunctionHandler) FunctionHandler {
			return func(ctx context.Context, call *FunctionCall) (any, error) {
				s := &sdkCall{hooks: factory(), context: call.sdkContext()}
				ctx, err := s.transformInput(ctx, call)
				if err != nil {
					return nil, err
				}
				s.ctx = context.WithValue(ctx, key, s)
				call.call.Replay.OnFresh(s.before)
				output, err := next(s.ctx, call)
				if errors.Is(err, ErrYielded) {
					s.afterNothing()
					return output, err
				}
				return s.after(output, err)
			}
		},
		Step: func(next StepHandler) StepHandler {
			return func(ctx context.Context, step *StepCall) (any, error) {
				s, ok := ctx.Value(key).(*sdkCall)
				if !ok {
					return next(ctx, step)
				}
				s.before()
				output, err := next(ctx, step)
				return s.after(output, err)
			}
		},
	}
}

// sdkKey is a context key of its own for each SDKMiddleware.
type sdkKey struct{ _ byte }

// sdkCall is an SDK middleware during one call.
type sdkCall struct {
	hooks   middleware.Middleware
	context middleware.CallContext
	ctx     context.Context //nolint:containedctx // the context of the call, which all hooks get
	open    bool            // between BeforeExecution and AfterExecution
}

// sdkContext is the call as SDK middleware sees it.
func (c *FunctionCall) sdkContext() middleware.CallContext {
	return middleware.CallContext{
		FunctionOpts: c.function.config,
		Env:          c.Env,
		RunID:        c.RunID,
		Attempt:      c.Attempt,
		RequestID:    c.RequestID,
		JobID:        c.JobID,
	}
}

func (s *sdkCall) before() {
	if !s.open {
		s.open = true
		s.hooks.BeforeExecution(s.ctx, s.context)
	}
}

func (s *sdkCall) afterNothing() {
	if s.open {
		s.open = false
		s.hooks.AfterExecution(s.ctx, s.context, nil, nil)
	}
}

// after runs the hooks behind a step or the function.
func (s *sdkCall) after(output any, err error) (any, error) {
	if panicked, ok := errors.AsType[*PanicError](err); ok {
		s.afterNothing()
		s.hooks.OnPanic(s.ctx, s.context, panicked.Value, string(panicked.Stack))
		return output, err
	}
	s.before()
	s.open = false
	s.hooks.AfterExecution(s.ctx, s.context, output, err)
	out := middleware.TransformableOutput{Result: output, Error: err}
	s.hooks.TransformOutput(s.ctx, s.context, &out)
	return out.Result, out.Error
}

// transformInput runs the hook and takes over the context and the events that it
// has changed.
func (s *sdkCall) transformInput(ctx context.Context, call *FunctionCall) (context.Context, error) {
	raw, err := call.Events()
	if err != nil {
		return nil, err
	}
	events, before, err := sdkEvents(raw)
	if err != nil {
		return nil, err
	}
	first, _, err := sdkEvents(raw[:1]) // like the SDK, a copy
	if err != nil {
		return nil, err
	}
	input := middleware.TransformableInput{Event: first[0], Events: events, Steps: map[string]string{}}
	gjson.ParseBytes(call.call.Replay.Kept()).ForEach(func(id, result gjson.Result) bool {
		input.Steps[id.Str] = result.Raw
		return true
	})
	input.WithContext(ctx)
	s.hooks.TransformInput(ctx, s.context, &input)
	return input.Context(), takeOver(call, raw, before, input)
}

// takeOver gives the function the events that are not as they were before. Event
// and the first of Events are one: a change of either counts.
func takeOver(call *FunctionCall, raw []RawEvent, before [][]byte, input middleware.TransformableInput) error {
	changed := len(input.Events) != len(raw)
	events := make([]RawEvent, len(input.Events))
	for i, event := range input.Events {
		encoded, err := json.Marshal(event)
		if i == 0 && err == nil && bytes.Equal(encoded, before[0]) {
			encoded, err = json.Marshal(input.Event)
		}
		if err == nil && i < len(raw) && bytes.Equal(encoded, before[i]) {
			events[i] = raw[i]
			continue
		}
		changed = true
		if err == nil {
			err = json.Unmarshal(encoded, &events[i])
		}
		if err != nil {
			return fmt.Errorf("TransformInput has made an event that cannot be encoded: %w", err)
		}
	}
	if !changed {
		return nil
	}
	return call.SetEvents(events)
}

// sdkEvents decodes events as the SDK does, and says how each is encoded then.
func sdkEvents(raw []RawEvent) (events []*inngestgo.Event, encoded [][]byte, err error) {
	events, encoded = make([]*inngestgo.Event, len(raw)), make([][]byte, len(raw))
	for i := range raw {
		b, err := json.Marshal(raw[i])
		if err == nil {
			err = json.Unmarshal(b, &events[i])
		}
		if err == nil {
			encoded[i], err = json.Marshal(events[i])
		}
		if err != nil {
			return nil, nil, fmt.Errorf("the event cannot be decoded: %w", err)
		}
	}
	return events, encoded, nil
}
