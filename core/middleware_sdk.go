package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

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
	before, err := sdkEvents(raw)
	if err != nil {
		return nil, err
	}
	events, err := sdkEvents(raw[:1:1])
	if err != nil {
		return nil, err
	}
	first := events[0]
	if events, err = sdkEvents(raw); err != nil {
		return nil, err
	}
	input := middleware.TransformableInput{Event: first, Events: events, Steps: map[string]string{}}
	gjson.ParseBytes(call.call.Replay.Kept()).ForEach(func(id, result gjson.Result) bool {
		input.Steps[id.Str] = result.Raw
		return true
	})
	input.WithContext(ctx)
	s.hooks.TransformInput(ctx, s.context, &input)
	if len(input.Events) > 0 && input.Event != nil && !reflect.DeepEqual(input.Event, before[0]) {
		input.Events[0] = input.Event
	}
	return input.Context(), setChanged(call, raw, before, input.Events)
}

// setChanged gives the function the events that are not the same as before.
func setChanged(call *FunctionCall, raw []RawEvent, before, after []*inngestgo.Event) error {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	changed := make([]RawEvent, len(after))
	for i, event := range after {
		if i < len(raw) && reflect.DeepEqual(event, before[i]) {
			changed[i] = raw[i]
			continue
		}
		encoded, err := json.Marshal(event)
		if err == nil {
			err = json.Unmarshal(encoded, &changed[i])
		}
		if err != nil {
			return fmt.Errorf("TransformInput has made an event that cannot be encoded: %w", err)
		}
	}
	return call.SetEvents(changed)
}

// sdkEvents decodes events as the SDK does.
func sdkEvents(raw []RawEvent) ([]*inngestgo.Event, error) {
	events := make([]*inngestgo.Event, len(raw))
	encoded, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(encoded, &events)
	}
	if err != nil {
		return nil, fmt.Errorf("the event cannot be decoded: %w", err)
	}
	return events, nil
}
