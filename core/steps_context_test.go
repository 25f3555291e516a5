package inngestkit_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

const notTheFunctions = "was given a context that is not the function's: " +
	"pass the ctx of the function, or of the branch of step.Parallel, or one derived from it"

// With a context that is not the function's, a step would run in each call and not be memoized.
func TestEachKindWithAForeignContext(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		foreign := func(context.Context) (any, error) {
			return k.call(inngestkit.NewContext(context.Background(), nil))
		}
		for where, call := range map[string]func(ctx context.Context) (any, error){
			"in the function": foreign,
			"in a branch": func(ctx context.Context) (any, error) {
				return nil, step.Parallel(ctx, func(ctx context.Context) error { _, err := foreign(ctx); return err })
			},
			"in the callback of a step": func(ctx context.Context) (any, error) { return step.Run(ctx, "outer", foreign) },
		} {
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				_, _ = call(ctx)
				return "done", nil
			}))
			require.Contains(t, requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), notTheFunctions, where)
		}
	})
}

// This includes a callback that middleware runs on another goroutine.
func TestForeignContextInACallbackElsewhere(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "outer", func(context.Context) (any, error) {
			return nil, stepOf("inner", new(string))(context.Background())
		})
	}, inngestkit.Use(inngestkit.Middleware{Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, call *inngestkit.StepCall) (output any, err error) {
			elsewhere(func() { output, err = next(ctx, call) })
			return output, err
		}
	}})))
	require.Equal(t, `step "inner" `+notTheFunctions, requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))))
}

// A context kept from an earlier call is refused too.
func TestEachKindWithTheContextOfAnEarlierCall(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		var kept context.Context
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
			if kept == nil {
				kept = context.WithoutCancel(ctx)
				return "first", nil
			}
			_, _ = k.call(kept)
			return "second", nil
		}))
		require.Equal(t, `"first"`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
		require.Contains(t, requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))),
			`step "s" was given the context of a call that has ended`)
	})
}

// A function may call its own app, in a test or by design.
func TestFunctionThatCallsAnother(t *testing.T) {
	t.Parallel()
	inner, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return nil, stepOf("s", new(string))(ctx) }))
	app, _ := newApp(t, onSignUp(func(context.Context, input) (int, error) {
		return callFn(context.Background(), t, inner, signUpEnvelope(user{})).Status, nil
	}))
	require.Equal(t, "206", string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
}

// A unit test may call a handler with any context.
func TestHandlerInAUnitTest(t *testing.T) {
	t.Parallel()
	var a, b string
	require.NoError(t, step.Parallel(context.Background(), stepOf("a", &a), func(context.Context) error {
		return stepOf("b", &b)(context.Background())
	}))
	require.Equal(t, "ab", a+b)
}
