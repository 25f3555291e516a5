package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	ran := 0
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		a, err := step.Run(ctx, "a", func(context.Context) (string, error) { ran++; return "from a", nil })
		if err != nil {
			return "", err
		}
		step.Sleep(ctx, "nap", 90*time.Minute)
		return a, nil
	}))

	first := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))
	require.Len(t, first, 1)
	require.Equal(t, "StepRun", first[0]["op"])
	require.Equal(t, "from a", first[0]["data"])
	require.Equal(t, hashed("a"), first[0]["id"])

	second := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "kept")))
	require.Equal(t, "Sleep", second[0]["op"])
	require.Equal(t, map[string]any{"duration": "1h30m"}, second[0]["opts"])

	last := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "kept").done("nap", nil))
	require.Equal(t, http.StatusOK, last.Status)
	require.Equal(t, `"kept"`, string(last.Body))
	require.Equal(t, 1, ran)
}

func TestTargetedStep(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "from a", nil })
	}))
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("a"), signUpEnvelope(user{}).json(t)))
	require.Equal(t, "from a", ops(t, resp)[0]["data"])
}

func TestStepSeesThatTheCallerIsGone(t *testing.T) {
	t.Parallel()
	cause := errors.New("hung up")
	ctx, hangUp := context.WithCancelCause(t.Context())
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "a", func(ctx context.Context) (string, error) {
			hangUp(cause)
			<-ctx.Done()
			return "", context.Cause(ctx)
		})
	}))
	op := ops(t, callFn(ctx, t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, "StepError", op["op"])
	require.Equal(t, "hung up", op["error"].(map[string]any)["message"])
}

// Guard for hazard 23.
func TestPanicInStep(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (any, error) { panic("oh no") })
	}))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, "StepError", op["op"])
	require.Equal(t, `step "a" panicked: oh no`, op["error"].(map[string]any)["message"])
	require.NotContains(t, fmt.Sprint(op), ".go:")
	require.Contains(t, l.String(), "steps_test.go", "the stack is logged")
}

// Guard for hazard 25.
func TestNestedStep(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "outer", func(ctx context.Context) (string, error) {
			return step.Run(ctx, "inner", func(context.Context) (string, error) { return "", nil })
		})
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	require.Contains(t, message(t, resp), `step "inner" was called inside the callback of another step`)
}

// Guard for hazard 27.
func TestSleepInThePast(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		step.SleepUntil(ctx, "past", time.Unix(0, 0))
		return nil, nil
	}))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, map[string]any{"duration": "0s"}, op["opts"])
}

func TestWaitForEvent(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		e, err := step.WaitForEvent(ctx, "wait", signedUp, step.Timeout(time.Hour), step.Match("data.id"), step.If("async.v == '2'"))
		if errors.Is(err, step.ErrTimeout) {
			return "timeout", nil
		}
		return e.Data.ID, err
	}))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, "WaitForEvent", op["op"])
	require.Equal(t, map[string]any{
		"event": "user/signed-up", "timeout": "1h", "if": "(event.data.id == async.data.id) && (async.v == '2')",
	}, op["opts"])

	matched := signUpEnvelope(user{})
	matched.Steps[hashed("wait")] = map[string]any{"name": "user/signed-up", "data": user{ID: "u2"}}
	require.Equal(t, `"u2"`, string(callFn(t.Context(), t, app, matched).Body))

	timedOut := signUpEnvelope(user{})
	timedOut.Steps[hashed("wait")] = nil
	require.Equal(t, `"timeout"`, string(callFn(t.Context(), t, app, timedOut).Body))
}

func TestWaitForEventNeedsATimeout(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, -time.Second, 367 * 24 * time.Hour} {
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
			return step.WaitForEvent(ctx, "wait", signedUp, step.Timeout(d))
		}))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Contains(t, message(t, resp), `give step.Timeout more than 0 and at most 366 days`)
	}
}

func TestStepRunOutsideAFunction(t *testing.T) {
	t.Parallel()
	v, err := step.Run(t.Context(), "a", func(context.Context) (string, error) { return "ran", nil })
	require.NoError(t, err)
	require.Equal(t, "ran", v)
}
