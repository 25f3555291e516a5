package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
)

// SDKMiddleware adapts middleware that is written for the SDK. As in the SDK, factory is
// called once per call of a function. Unlike in the SDK,
//
//   - TransformOutput sees the output of every step, even if a call runs several;
//   - the hooks after the function get the context that TransformInput has set;
//   - Steps has the memoized results of steps, by the SHA-1 of their IDs, as the server sends
//     them. They are read-only: Restore of [Middleware] changes results.
//
// Numbers in the data of events are float64. Events that TransformInput does not change keep
// all digits.
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
				call.OnFresh(s.before)
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

// sdkKey is the type of the context key of an SDKMiddleware. Each has its own key.
type sdkKey struct{ _ byte }

// An sdkCall is the SDK middleware of one call.
type sdkCall struct {
	hooks   middleware.Middleware
	context middleware.CallContext
	ctx     context.Context //nolint:containedctx // the context of the call, which all hooks get
	open    bool            // between BeforeExecution and AfterExecution
}

// sdkContext returns the call as SDK middleware sees it.
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

// after runs the hooks after a step or the function.
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

// transformInput runs the hook TransformInput. It returns the hook's context, and replaces
// the events that the hook changed.
func (s *sdkCall) transformInput(ctx context.Context, call *FunctionCall) (context.Context, error) {
	raw, err := call.Events()
	if err != nil {
		return nil, err
	}
	events, before, err := sdkEvents(raw)
	if err != nil {
		return nil, err
	}
	first, _, err := sdkEvents(raw[:1]) // a copy, as in the SDK
	if err != nil {
		return nil, err
	}
	input := middleware.TransformableInput{Event: first[0], Events: events, Steps: map[string]string{}}
	for _, result := range call.call.Replay.Results() {
		input.Steps[string(result.Key)] = string(result.Raw)
	}
	input.WithContext(ctx)
	s.hooks.TransformInput(ctx, s.context, &input)
	return input.Context(), takeOver(call, raw, before, input)
}

// takeOver replaces the function's events by those of input if any differs from before.
// Event and the first of Events are the same event: a change of either counts.
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
			return fmt.Errorf("TransformInput returned an event that cannot be encoded: %w", err)
		}
	}
	if !changed {
		return nil
	}
	return call.SetEvents(events)
}

// sdkEvents decodes events as the SDK does, and encodes them again for comparison.
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
