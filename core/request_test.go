package inngestkit_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// Middleware can read the request and keep it after the response.
func TestFunctionCallRequest(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "", nil })
	}))
	var seen, inStep *adapter.Request
	app.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				seen = call.Request
				return next(ctx, call)
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				inStep = s.Function.Request
				return next(ctx, s)
			}
		},
	})
	req := withHeader(callRequest(t, signUpEnvelope(user{})), "X-Custom", "one")
	req.Header.Add("X-Custom", "two")
	require.Equal(t, http.StatusPartialContent, app.Do(t.Context(), req).Status)
	require.Equal(t, []string{"one", "two"}, seen.Header.Values("X-Custom"))
	require.Equal(t, "app.test", seen.Host)
	require.Equal(t, "fnId=app-fn&stepId=step", seen.RawQuery)
	require.Nil(t, seen.Body, "it would keep the body alive, or memory that the framework reuses")
	require.Same(t, seen, inStep)
}
