package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// sealingSteps returns middleware that seals the output of steps and opens memoized results.
// With plainFailures, it leaves the output of steps that fail as it is.
func sealingSteps(plainFailures bool) inngestkit.Option {
	return inngestkit.Use(inngestkit.Middleware{
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				output, err := next(ctx, s)
				if err != nil && plainFailures {
					return output, err
				}
				return map[string]any{"sealed": output}, err
			}
		},
		Restore: func(_ context.Context, _ *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
			var kept map[string]json.RawMessage
			if json.Unmarshal(data, &kept) != nil || kept["sealed"] == nil {
				return nil, errors.New("it is not sealed")
			}
			return kept["sealed"], nil
		},
	})
}

// half returns a function with a step that returns a value together with its final error. The
// output has what the function gets of both.
func half(value user, got *user, failed *error) func(context.Context, input) (any, error) {
	return func(ctx context.Context, _ input) (any, error) {
		*got, *failed = step.Run(ctx, "s", func(context.Context) (user, error) {
			return value, inngestkit.NoRetry(errors.New("no"))
		})
		return nil, nil
	}
}

// A value returned with an error passes through the middleware in both directions.
func TestMiddlewareRestoresTheValueOfAnError(t *testing.T) {
	t.Parallel()
	var got user
	var err error
	app, _ := newApp(t, onSignUp(half(user{ID: "half"}, &got, &err), sealingSteps(false)))
	sent := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["error"]
	require.Equal(t, map[string]any{"sealed": map[string]any{"id": "half"}}, sent.(map[string]any)["data"])

	e := signUpEnvelope(user{})
	e.Steps[hashed("s")] = map[string]any{"error": sent}
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
	require.Equal(t, user{ID: "half"}, got)
	failed := new(step.Error)
	require.ErrorAs(t, err, failed)
	require.EqualError(t, err, "no")
	require.JSONEq(t, `{"id":"half"}`, string(failed.Data))
}

// Restore is not called for a failed step without a value. Most failed steps return none, and
// middleware may leave their output alone.
func TestErrorWithoutValueIsNotRestored(t *testing.T) {
	t.Parallel()
	var got user
	var err error
	app, _ := newApp(t, onSignUp(half(user{}, &got, &err), sealingSteps(true)))
	sent := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["error"]
	require.Nil(t, sent.(map[string]any)["data"])
	e := signUpEnvelope(user{})
	e.Steps[hashed("s")] = map[string]any{"error": sent}
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
	require.EqualError(t, err, "no")
}

// A value that cannot be restored is dropped, and the function can handle the error.
func TestValueOfAnErrorCannotBeRestored(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data   any
		option inngestkit.Option
		want   string
	}{
		"not restored": {user{ID: "plain"}, sealingSteps(false), `no|the memoized result of step "s" could not be restored: it is not sealed`},
		"not decoded":  {"text", inngestkit.Name("n"), `no|the memoized result of step "s" does not fit its Go type inngestkit_test.user: it is a JSON string`},
	} {
		got, err := user{}, error(nil)
		app, _ := newApp(t, onSignUp(half(user{}, &got, &err), tc.option))
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = map[string]any{"error": map[string]any{"name": "Oops", "message": "no", "data": tc.data}}
		require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status, name)
		require.Empty(t, got, name)
		failed := new(step.Error)
		require.ErrorAs(t, err, failed, name)
		require.Equal(t, "Oops", failed.Name, name)
		require.Contains(t, strings.ReplaceAll(err.Error(), "\n", "|"), tc.want, name)
		require.NotContains(t, string(failed.Data), "plain", name)
	}
}

// Waits that timed out, and invoked functions that failed, have no data to restore.
func TestRestoreDoesNotSeeWaitsWithoutData(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		_, timedOut := step.WaitForEvent(ctx, "event", signedUp, step.Timeout(1))
		require.ErrorIs(t, timedOut, step.ErrTimeout)
		_, timedOut = step.WaitForSignal[user](ctx, "signal", "x", step.Timeout(1))
		require.ErrorIs(t, timedOut, step.ErrTimeout)
		_, failed := step.Invoke(ctx, "invoke", inngestkit.Ref[user, user]{FunctionID: "other"}, user{})
		require.EqualError(t, failed, "no")
		return "done", nil
	}, sealingSteps(false)))
	e := signUpEnvelope(user{})
	e.Steps[hashed("event")], e.Steps[hashed("signal")] = nil, nil
	e.Steps[hashed("invoke")] = map[string]any{"error": map[string]any{"name": "Error", "message": "no"}}
	require.Equal(t, `"done"`, string(callFn(t.Context(), t, app, e).Body))
}
