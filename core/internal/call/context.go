package call

import (
	"context"

	sdkstep "github.com/inngest/inngestgo/step"
)

type contextKey struct{}

// NewContext returns a context that carries c.
func NewContext(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the call that ctx belongs to, nil outside a function.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}

// A functionContext is the context of a function. It knows what each step asks it for: the
// values are many contexts further down, or nowhere.
type functionContext struct {
	context.Context //nolint:containedctx // it is a context

	call *Call
	// manager is the key of the SDK's manager, nil if the SDK knows everything. When the
	// context is asked for it, the function calls a step of the SDK's own.
	manager any
}

// Value implements context.Context.
func (f *functionContext) Value(key any) any {
	switch {
	case key == any(contextKey{}):
		return f.call
	case key == any(branchKey{}) || key == withinStep:
		return nil // the function is in neither
	case f.manager != nil && key == f.manager:
		f.call.tellSDK()
	}
	return f.Context.Value(key)
}

// A showingContext is the context of a step on its way to the SDK.
type showingContext struct {
	context.Context //nolint:containedctx // it is a context

	manager *manager
}

// Value implements context.Context.
func (s *showingContext) Value(key any) any {
	if key == s.manager.key {
		return s.manager.value.Interface()
	}
	return s.Context.Value(key)
}

// withinStep is the key by which the SDK finds out whether it is in a step. It is internal to
// the SDK, so it is captured at startup.
var withinStep = captureWithinStep()

func captureWithinStep() any {
	var asked keySpy
	sdkstep.IsWithinStep(&asked)
	if len(asked.keys) != 1 {
		return nil // it asks for more, and gets the answer from further down
	}
	return asked.keys[0]
}

// keySpy is an empty context that records which keys it is asked for.
type keySpy struct {
	context.Context //nolint:containedctx // it is a context

	keys []any
}

func (*keySpy) Err() error { return nil }

func (s *keySpy) Value(key any) any {
	s.keys = append(s.keys, key)
	return nil
}
