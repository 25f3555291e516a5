package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
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

// The server may require each step to be planned before it runs, as it does after parallel
// steps.
func TestNoImmediateExecution(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]inngestkit.Option{"plain": nil, "checkpoints": {checkpointing}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := 0
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				for _, id := range []string{"a", "b"} {
					if _, err := step.Run(ctx, id, func(context.Context) (int, error) { ran++; return ran, nil }); err != nil {
						return nil, err
					}
				}
				return "done", nil
			}, options...))
			e := signUpEnvelope(user{})
			e.Context["disable_immediate_execution"] = true
			for i, id := range []string{"a", "b"} {
				planned := ops(t, callFn(t.Context(), t, app, e))
				require.Equal(t, []string{"StepPlanned " + id}, listed(planned))
				require.Equal(t, hashed(id), planned[0]["id"])
				require.Equal(t, i, ran, "it is for another call")
				require.Equal(t, []string{"StepRun " + id}, listed(ops(t, callStep(t.Context(), t, app, e, id))))
				require.Equal(t, i+1, ran)
				e = e.done(id, ran)
			}
			require.Equal(t, `"done"`, string(callFn(t.Context(), t, app, e).Body))
		})
	}
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
	inner := func(ctx context.Context) (string, error) {
		return step.Run(ctx, "inner", func(context.Context) (string, error) { return "", nil })
	}
	for name, handler := range map[string]func(ctx context.Context, _ input) (string, error){
		"with the context of the callback": func(ctx context.Context, _ input) (string, error) {
			return step.Run(ctx, "outer", inner)
		},
		"with the context of the function": func(ctx context.Context, _ input) (string, error) {
			return step.Run(ctx, "outer", func(context.Context) (string, error) { return inner(ctx) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(handler))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusBadRequest, resp.Status)
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
			require.Contains(t, message(t, resp), `step "inner" was called inside the callback of another step`)
			require.NotContains(t, l.String(), "panicked", "the unwinding is not a panic of user code")
		})
	}
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

// Guard for hazard 3: errors made by the server have no data.
func TestMemoizedErrors(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		v, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "", nil })
		if stepErr := new(step.Error); errors.As(err, stepErr) {
			return stepErr.Name + ": " + stepErr.Message + ": " + string(stepErr.Data), nil
		}
		return v, err
	}))
	for name, tc := range map[string]struct {
		result any
		want   string
	}{
		"without data": {map[string]any{"error": map[string]any{"name": "Gateway", "message": "no"}}, `"Gateway: no: null"`},
		"with data":    {map[string]any{"error": map[string]any{"name": "Step", "message": "no", "data": "x"}}, `"Step: no: \"x\""`},
		"null":         {map[string]any{"error": nil, "data": "fine"}, `"fine"`},
		"none":         {map[string]any{"data": "fine"}, `"fine"`},
		"lost":         {map[string]any{"error": nil}, `"Error: the step failed, and the server did not keep why: null"`},
		"in the data":  {map[string]any{"data": `"error"`}, `"\"error\""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := signUpEnvelope(user{})
			e.Steps[hashed("a")] = tc.result
			resp := callFn(t.Context(), t, app, e)
			require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
			require.Equal(t, tc.want, string(resp.Body))
		})
	}
}

func TestSleepTooLong(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "nap", 367*24*time.Hour)
		return nil, nil
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Contains(t, message(t, resp), "at most 366 days")
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

func TestStepsOutsideAFunction(t *testing.T) {
	t.Parallel()
	ran := func(context.Context) (string, error) { return "ran", nil }
	v, err := step.Run(t.Context(), "a", ran)
	require.NoError(t, err)
	require.Equal(t, "ran", v)
	_, err = step.WaitForEvent(t.Context(), "wait", signedUp, step.Timeout(time.Hour))
	require.ErrorContains(t, err, `step "wait" was called outside a function`)
	require.Panics(t, func() { step.Sleep(t.Context(), "nap", time.Hour) })

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = step.Run(ctx, "a", ran)
	require.ErrorIs(t, err, context.Canceled)
}

// A step that runs after the end of the call would be lost and run again.
func TestNoStepRunsAfterTheEndOfTheCall(t *testing.T) {
	t.Parallel()
	later := func(ctx context.Context, ran *bool) {
		_, _ = step.Run(ctx, "later", func(context.Context) (string, error) { *ran = true; return "", nil })
	}
	for name, handler := range map[string]func(ctx context.Context, ran *bool) (string, error){
		"a deferred step with a context of its own": func(ctx context.Context, ran *bool) (string, error) {
			defer func() { later(context.WithoutCancel(ctx), ran) }()
			return step.Run(ctx, "a", func(context.Context) (string, error) { return "from a", nil })
		},
		"after a recover": func(ctx context.Context, ran *bool) (string, error) {
			func() {
				defer func() { _ = recover() }()
				done, cancel := context.WithCancel(ctx)
				cancel()
				_, _ = step.Run(done, "a", func(context.Context) (string, error) { return "", nil })
			}()
			later(ctx, ran)
			return "done", nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := false
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return handler(ctx, &ran) }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.NotEqual(t, http.StatusOK, resp.Status)
			require.False(t, ran)
			if resp.Status == http.StatusPartialContent {
				require.Len(t, ops(t, resp), 1)
			}
		})
	}
}

func TestFunctionSeesItsAppAndTheDeadline(t *testing.T) {
	t.Parallel()
	var inside context.Context
	var app *inngestkit.App
	app, _ = newApp(t, onSignUp(func(ctx context.Context, _ input) (bool, error) {
		inside = ctx
		return inngestkit.FromContext(ctx) == app, nil
	}))
	other, _ := newApp(t)
	ctx, cancel := context.WithTimeout(inngestkit.NewContext(t.Context(), other), time.Hour)
	defer cancel()
	require.Equal(t, "true", string(callFn(ctx, t, app, signUpEnvelope(user{})).Body))
	want, _ := ctx.Deadline()
	got, ok := inside.Deadline()
	require.True(t, ok)
	require.Equal(t, want, got)
	require.Error(t, inside.Err(), "it ends with the call")

	callFn(context.Background(), t, app, signUpEnvelope(user{})) // it has no Done channel
	require.Error(t, inside.Err(), "it ends with the call")
}
