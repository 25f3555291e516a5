package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// Mistakes of middleware must not make steps run again or end the run.
func TestMiddlewareThatMisusesNext(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error){
		"another context": func(_ context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			return next(context.Background(), call)
		},
		"twice": func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			if _, err := next(ctx, call); err == nil {
				return nil, errors.New("the first call should have failed")
			}
			return next(ctx, call)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := 0
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				if _, err := step.Run(ctx, "a", func(context.Context) (string, error) { ran++; return "a", nil }); err != nil {
					return "", err
				}
				return "", errors.New("boom")
			}, onFunction(wrap)))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a"))
			require.Equal(t, http.StatusBadRequest, resp.Status, "%s", resp.Body)
			require.Contains(t, message(t, resp), `the middleware of function "fn" called next twice, or with a context`)
			require.Zero(t, ran)
		})
	}
	t.Run("of a step, with another context", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
			return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
		}, inngestkit.Use(inngestkit.Middleware{Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(_ context.Context, s *inngestkit.StepCall) (any, error) { return next(context.Background(), s) }
		}})))
		op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
		require.Equal(t, "StepFailed", op["op"])
		require.Contains(t, op["error"].(map[string]any)["message"], "not derived from its own")
	})
}

// The error that ended a call is the response, whatever middleware returns.
func TestMiddlewareCannotHideWhyACallEnded(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "for ever", 367*24*time.Hour)
		return nil, nil
	}, onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
		_, _ = next(ctx, call)
		return "all is well", nil
	})))
	require.Equal(t, http.StatusBadRequest, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
}

// If the caller has hung up, its result is lost, so the function has not finished.
func TestMiddlewareSeesThatTheCallerIsGone(t *testing.T) {
	t.Parallel()
	var tr trace
	ctx, hangUp := context.WithCancel(t.Context())
	app, l := newApp(t, onSignUp(func(context.Context, input) (string, error) { hangUp(); return "done", nil },
		inngestkit.Use(tr.middleware("own"))))
	app.Use(inngestkit.Logging(slog.LevelInfo))
	resp := callFn(ctx, t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Contains(t, tr.take()[1], "own: fn failed: the caller hung up")
	require.NotContains(t, l.String(), "function finished")
}

// sealing is middleware whose Restore undoes what Step does.
var sealing = inngestkit.Middleware{
	Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
			output, err := next(ctx, s)
			if err != nil {
				return nil, err
			}
			return map[string]any{"sealed": output}, nil
		}
	},
	Restore: func(_ context.Context, _ *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
		var kept map[string]json.RawMessage
		if err := json.Unmarshal(data, &kept); err != nil || kept["sealed"] == nil {
			return nil, errors.New("this is not sealed: " + string(data))
		}
		return kept["sealed"], nil
	},
}

// Restore is not called for the error of a step.
func TestRestoreLeavesErrorsAlone(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		_, err := step.Run(ctx, "a", func(context.Context) (string, error) { return "", nil })
		if failed, ok := errors.AsType[step.Error](err); ok {
			return "went on after " + failed.Message, nil
		}
		return "", err
	}, inngestkit.Use(sealing)))
	e := signUpEnvelope(user{})
	e.Steps[hashed("a")] = map[string]any{"error": map[string]any{"name": "Error", "message": "declined"}}
	require.Equal(t, `"went on after declined"`, string(callFn(t.Context(), t, app, e).Body))
}

// With checkpoints, the function continues in the same call with the result that it would get
// in the next one.
func TestRestoreWithCheckpoints(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(http.ResponseWriter, *http.Request, int) {})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(
		func(ctx context.Context, _ input) (user, error) {
			return step.Run(ctx, "a", func(context.Context) (user, error) { return user{ID: "u1"}, nil })
		}, flow.Checkpoint(), inngestkit.Use(sealing)))
	require.JSONEq(t, `{"id":"u1"}`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
}

// A mistake around a step is an error that names the step, and not a yield.
func TestMistakesAroundAStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		restore func(context.Context, *inngestkit.StepCall, json.RawMessage) (json.RawMessage, error)
		message string
	}{
		"panics": {func(context.Context, *inngestkit.StepCall, json.RawMessage) (json.RawMessage, error) { panic("no key") },
			`step "a" panicked: no key`},
		"no JSON": {func(context.Context, *inngestkit.StepCall, json.RawMessage) (json.RawMessage, error) {
			return []byte("x"), nil
		},
			`the memoized result of step "a" could not be restored: the middleware's Restore returned data for step "a" that is not JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tr trace
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
			}, inngestkit.Use(tr.middleware("own"), inngestkit.Middleware{Restore: tc.restore})))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a"))
			require.Equal(t, http.StatusInternalServerError, resp.Status)
			require.Equal(t, tc.message, message(t, resp))
			require.Equal(t, "own: fn failed: "+tc.message, tr.take()[1])
			if strings.Contains(tc.message, "panicked") {
				require.Contains(t, l.String(), "middleware_guard_test.go", "the stack is where it began")
			}
		})
	}
}

type unruly struct{}

func (unruly) MarshalJSON() ([]byte, error) { panic("not today") }

func TestResultWhoseEncodingPanics(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (unruly, error) { return unruly{}, nil })
	}))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, "StepFailed", op["op"])
	require.Contains(t, op["error"].(map[string]any)["message"], "encoding inngestkit_test.unruly panicked: not today")
	require.Contains(t, l.String(), "unruly.MarshalJSON", "the stack is in the log")
}

func TestSetEventsRefuses(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, nil },
		onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			require.ErrorContains(t, call.SetEvents(nil), `function "fn": SetEvents without events`)
			require.ErrorContains(t, call.SetEvents([]inngestkit.RawEvent{{Data: []byte("x")}}), "is not JSON")
			return next(ctx, call)
		})))
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
}

// An unclaimed memoized result, of a step that the function no longer calls, does not keep the
// logger silent at the end.
func TestLoggerAtTheEnd(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, nil }))
	app.Use(inngestkit.Logging(slog.LevelInfo))
	callFn(t.Context(), t, app, signUpEnvelope(user{}).done("gone", nil))
	require.Contains(t, l.String(), "function finished")
}

// The logger of an adopted function is not silent after the first call, although the steps are
// the SDK's.
func TestLoggerOfAdoptedFunctions(t *testing.T) {
	t.Parallel()
	client, l := sdkClient(t)
	createFn(t, client, "fn", func(ctx context.Context, _ input) (any, error) {
		log := inngestkit.Logger(ctx)
		log.Info("begins")
		for _, id := range []string{"a", "b"} {
			_, err := sdkstep.Run(ctx, id, func(context.Context) (string, error) { log.Info("inside " + id); return id, nil })
			if err != nil {
				return nil, err
			}
			log.Info("after " + id)
		}
		return nil, nil
	})
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	e := signUpEnvelope(user{})
	for _, id := range []string{"a", "b", ""} {
		callFn(t.Context(), t, app, e)
		e = e.done(id, id)
	}
	for _, line := range []string{"begins", "inside a", "after a", "inside b", "after b"} {
		require.Equal(t, 1, strings.Count(l.String(), line), "%s in\n%s", line, l)
	}
}

// Restore may change the data in place, and append to it: other results and the response stay
// as they are.
func TestRestoreMayChangeItsData(t *testing.T) {
	t.Parallel()
	flip := func(raw json.RawMessage) json.RawMessage { // swaps upper and lower case
		for i := range raw {
			if raw[i]|0x20 >= 'a' && raw[i]|0x20 <= 'z' {
				raw[i] ^= 0x20
			}
		}
		return raw
	}
	mw := inngestkit.Middleware{
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				out, err := next(ctx, s)
				raw, _ := json.Marshal(out)
				return flip(raw), err
			}
		},
		Restore: func(_ context.Context, _ *inngestkit.StepCall, raw json.RawMessage) (json.RawMessage, error) {
			restored := append(flip(raw)[:len(raw)-1], `, restored, and longer than the next result"`...)
			return restored, nil
		},
	}
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		var all []string
		for _, id := range []string{"c", "a"} { // the order of their keys
			text, err := step.Run(ctx, id, func(context.Context) (string, error) { return "new", nil })
			if err != nil {
				return nil, err
			}
			all = append(all, text)
		}
		var last string
		err := step.Parallel(ctx, step.Into(&last, "x", func(context.Context) (string, error) { return "plain", nil }))
		return append(all, last), err
	}, inngestkit.Use(mw)))
	e := signUpEnvelope(user{}).done("a", "A").done("c", "C")
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+hashed("x"), e.json(t)))
	require.Equal(t, "PLAIN", ops(t, resp)[0]["data"])
	const restored = ", restored, and longer than the next result"
	resp = callFn(t.Context(), t, app, e.done("x", "PLAIN"))
	require.JSONEq(t, `["c`+restored+`","a`+restored+`","plain`+restored+`"]`, string(resp.Body))
}
