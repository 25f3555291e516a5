package inngestkit_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// fresh returns middleware that records when the replay of a call ends.
func fresh(order *[]string) inngestkit.Option {
	return inngestkit.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				call.OnFresh(func() { *order = append(*order, "fresh") })
				*order = append(*order, "begins")
				return next(ctx, call)
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, step *inngestkit.StepCall) (any, error) {
				*order = append(*order, "runs "+step.ID)
				return next(ctx, step)
			}
		},
	})
}

func TestOnFresh(t *testing.T) {
	t.Parallel()
	steps := func(order *[]string) func(context.Context, input) (any, error) {
		return func(ctx context.Context, _ input) (any, error) {
			for _, id := range []string{"a", "b", "c"} {
				if err := stepOf(id, new(string))(ctx); err != nil {
					return nil, err
				}
				*order = append(*order, "after "+id)
			}
			return "done", nil
		}
	}
	parallel := func(order *[]string) func(context.Context, input) (any, error) {
		return func(ctx context.Context, _ input) (any, error) {
			_ = stepOf("a", new(string))(ctx)
			*order = append(*order, "after a")
			return nil, step.Parallel(ctx, stepOf("b", new(string)), stepOf("c", new(string)))
		}
	}
	for name, tc := range map[string]struct {
		function func(order *[]string) func(context.Context, input) (any, error)
		kept     []string
		target   string
		want     []string
	}{
		"no memoized step": {steps, nil, "step", []string{"fresh", "begins", "runs a"}},
		"one memoized step": {steps, []string{"a"}, "step",
			[]string{"begins", "fresh", "after a", "runs b"}},
		"two memoized steps": {steps, []string{"a", "b"}, "step",
			[]string{"begins", "after a", "fresh", "after b", "runs c"}},
		"all steps memoized": {steps, []string{"a", "b", "c"}, "step",
			[]string{"begins", "after a", "after b", "fresh", "after c"}},
		"a memoized step that the function no longer has": {steps, []string{"a", "gone"}, "step",
			[]string{"begins", "after a", "fresh", "runs b"}},
		"and no step after it": {steps, []string{"a", "b", "c", "gone"}, "step",
			[]string{"begins", "after a", "after b", "after c", "fresh"}},
		"a call for one step": {parallel, []string{"a"}, hashed("c"),
			[]string{"begins", "after a", "fresh", "runs c"}},
		"a call for a step that is gone": {parallel, []string{"a"}, hashed("gone"),
			[]string{"begins", "after a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var order []string
			app, _ := newApp(t, onSignUp(tc.function(&order), fresh(&order)))
			e := signUpEnvelope(user{})
			for _, id := range tc.kept {
				e.done(id, id)
			}
			app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+tc.target, e.json(t)))
			require.Equal(t, tc.want, order)
		})
	}
}

// A callback registered after the replay is called at once.
func TestOnFreshAfterTheReplay(t *testing.T) {
	t.Parallel()
	called := 0
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, errors.New("no") }, onFunction(
		func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			output, err := next(ctx, call)
			call.OnFresh(func() { called++ })
			require.Equal(t, 1, called)
			return output, err
		})))
	e := signUpEnvelope(user{}).done("gone", 1)
	require.Equal(t, http.StatusInternalServerError, callFn(t.Context(), t, app, e).Status)
	require.Equal(t, 1, called)
}
