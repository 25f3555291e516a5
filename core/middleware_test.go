package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// trace records events of a test, in order.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (tr *trace) addf(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, fmt.Sprintf(format, args...))
}

// take returns what was recorded since the last take.
func (tr *trace) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	lines := tr.lines
	tr.lines = nil
	return lines
}

// middleware returns middleware that records what it sees, under a name.
func (tr *trace) middleware(name string) inngestkit.Middleware {
	outcome := func(err error) string {
		switch {
		case errors.Is(err, inngestkit.ErrYielded):
			return "yielded"
		case err != nil:
			return "failed: " + err.Error()
		default:
			return "finished"
		}
	}
	return inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
				tr.addf("%s: %s begins", name, call.FunctionID)
				output, err := next(ctx, call)
				tr.addf("%s: %s %s", name, call.FunctionID, outcome(err))
				return output, err
			}
		},
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				tr.addf("%s: step %s begins", name, s.ID)
				output, err := next(ctx, s)
				tr.addf("%s: step %s %s", name, s.ID, outcome(err))
				return output, err
			}
		},
		Send: func(next inngestkit.SendHandler) inngestkit.SendHandler {
			return func(ctx context.Context, events []inngestkit.RawEvent) ([]string, error) {
				tr.addf("%s: sends %d", name, len(events))
				return next(ctx, events)
			}
		},
	}
}

func TestMiddlewareOrder(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t)
	app.Use(tr.middleware("app"))
	group := inngestkit.NewGroup(inngestkit.Use(tr.middleware("group")))
	require.NoError(t, app.Register(group.Functions(onSignUp(func(ctx context.Context, _ input) (string, error) {
		tr.addf("body")
		kept, err := step.Run(ctx, "a", func(context.Context) (string, error) { tr.addf("a"); return "a", nil })
		if err != nil {
			return "", err
		}
		return step.Run(ctx, "b", func(context.Context) (string, error) { tr.addf("b"); return kept + "b", nil })
	}, inngestkit.Use(tr.middleware("own"), tr.middleware("own2"))))...))

	require.Equal(t, "a", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	require.Equal(t, []string{
		"app: fn begins", "group: fn begins", "own: fn begins", "own2: fn begins", "body",
		"app: step a begins", "group: step a begins", "own: step a begins", "own2: step a begins", "a",
		"own2: step a finished", "own: step a finished", "group: step a finished", "app: step a finished",
		"own2: fn yielded", "own: fn yielded", "group: fn yielded", "app: fn yielded",
	}, tr.take())

	require.Equal(t, "ab", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a")))[0]["data"])
	require.NotContains(t, tr.take(), "app: step a begins", "a memoized step does not run")

	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a").done("b", "ab"))
	require.Equal(t, `"ab"`, string(resp.Body))
	require.Equal(t, []string{
		"app: fn begins", "group: fn begins", "own: fn begins", "own2: fn begins", "body",
		"own2: fn finished", "own: fn finished", "group: fn finished", "app: fn finished",
	}, tr.take())
}

// The app's middleware may be added after the functions.
func TestUseAfterRegister(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, nil }, inngestkit.Use(tr.middleware("own"))))
	app.Use(tr.middleware("app"))
	app.Use(tr.middleware("late"))
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
	require.Equal(t, []string{
		"app: fn begins", "late: fn begins", "own: fn begins", "own: fn finished", "late: fn finished", "app: fn finished",
	}, tr.take())
}

// Middleware that panics while it wraps is not added. The app still works, and accepts more.
func TestUseOfMiddlewareThatPanics(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, nil }))
	require.PanicsWithValue(t, "no tracer", func() {
		app.Use(tr.middleware("lost"), inngestkit.Middleware{
			Function: func(inngestkit.FunctionHandler) inngestkit.FunctionHandler { panic("no tracer") },
		})
	})
	app.Use(tr.middleware("app"))
	require.NoError(t, app.Register(inngestkit.OnEvent("later", signedUp, hello)))
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{})).Status)
	require.Equal(t, []string{"app: fn begins", "app: fn finished"}, tr.take())
}

type tenantKey struct{}

// onFunction is middleware with only Function.
func onFunction(
	wrap func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error),
) inngestkit.Option {
	return inngestkit.Use(inngestkit.Middleware{
		Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
			return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) { return wrap(ctx, call, next) }
		},
	})
}

func TestMiddlewareChanges(t *testing.T) {
	t.Parallel()
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
			return step.Run(ctx, "a", func(ctx context.Context) (any, error) { return ctx.Value(tenantKey{}), nil })
		}, onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			return next(context.WithValue(ctx, tenantKey{}, "acme"), call)
		})))
		require.Equal(t, "acme", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	})
	t.Run("events", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(_ context.Context, in input) ([]inngestkit.Event[user], error) {
			return in.Events, nil
		}, onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
			events, err := call.Events()
			if err != nil {
				return nil, err
			}
			for i := range events {
				events[i].Data = json.RawMessage(fmt.Sprintf(`{"id":"changed %d","number":9007199254740993}`, i))
			}
			if err := call.SetEvents(events); err != nil {
				return nil, err
			}
			return next(ctx, call)
		})))
		e := signUpEnvelope(user{ID: "u1"})
		require.Contains(t, string(callFn(t.Context(), t, app, e).Body), `"id":"changed 0","number":9007199254740993`)
		e.Events = append(e.Events, map[string]any{"name": "second", "data": user{ID: "u2"}})
		resp := callFn(t.Context(), t, app, e)
		require.Contains(t, string(resp.Body), `changed 0`)
		require.Contains(t, string(resp.Body), `"name":"second","data":{"id":"changed 1"`)
	})
	t.Run("output", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(context.Context, input) (string, error) { return "out", nil },
			onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
				output, err := next(ctx, call)
				return []any{"wrapped", output}, err
			})))
		require.Equal(t, `["wrapped","out"]`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
	})
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, errors.New("no such user") },
			onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
				_, err := next(ctx, call)
				return nil, inngestkit.NoRetry(fmt.Errorf("for good: %w", err))
			})))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, "for good: no such user", message(t, resp))
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	})
	t.Run("without next", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(context.Context, input) (string, error) { return "never", nil },
			onFunction(func(context.Context, *inngestkit.FunctionCall, inngestkit.FunctionHandler) (any, error) {
				return "short cut", nil
			})))
		require.Equal(t, `"short cut"`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
	})
}

// Restore undoes what Step did to an output before the function gets it.
func TestMiddlewareRestores(t *testing.T) {
	t.Parallel()
	const sealed = `{"sealed":"a"}`
	seal := inngestkit.Use(inngestkit.Middleware{
		Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
			return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
				output, err := next(ctx, s)
				return map[string]any{"sealed": output}, err
			}
		},
		Restore: func(_ context.Context, s *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
			if s.ID == "broken" {
				return nil, errors.New("wrong key")
			}
			var kept map[string]json.RawMessage
			if err := json.Unmarshal(data, &kept); err != nil {
				return nil, err
			}
			return kept["sealed"], nil
		},
	})
	app, _ := newApp(t, onSignUp(func(ctx context.Context, in input) (string, error) {
		return step.Run(ctx, in.Event.Data.ID, func(context.Context) (string, error) { return "a", nil })
	}, seal))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{ID: "a"})))[0]
	require.Equal(t, map[string]any{"sealed": "a"}, op["data"])
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{ID: "a"}).done("a", json.RawMessage(sealed)))
	require.Equal(t, `"a"`, string(resp.Body))
	resp = callFn(t.Context(), t, app, signUpEnvelope(user{ID: "broken"}).done("broken", json.RawMessage(sealed)))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, `the memoized result of step "broken" could not be restored: wrong key`, message(t, resp))
}

// Whatever middleware returns for a call that yielded, the server gets the step.
func TestMiddlewareCannotLoseAStep(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(any, error) (any, error){
		"swallowed": func(any, error) (any, error) { return "done", nil },
		"replaced":  func(any, error) (any, error) { return nil, errors.New("something else") },
		"panicked":  func(any, error) (any, error) { panic("oh no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
			}, onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
				return wrap(next(ctx, call))
			})))
			require.Equal(t, "a", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
		})
	}
}

// The code after next also runs if user code recovered the unwinding, or if the unwinding began
// in an inner middleware.
func TestYieldReachesEveryLayer(t *testing.T) {
	t.Parallel()
	var tr trace
	inner := onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
		_, err := step.Run(ctx, "before", func(context.Context) (any, error) { return nil, nil })
		if err != nil {
			return nil, err
		}
		return next(ctx, call)
	})
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (result string, err error) {
		defer func() { _ = recover() }()
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
	}, inngestkit.Use(tr.middleware("own")), inner))
	require.Len(t, ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), 1)
	require.Contains(t, tr.take(), "own: fn yielded")
	require.Len(t, ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("before", nil))), 1)
	require.Contains(t, tr.take(), "own: fn yielded")
}

// A call that a step ended with an error has failed, and not yielded.
func TestMiddlewareSeesWhyACallEnded(t *testing.T) {
	t.Parallel()
	var tr trace
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "for ever", 367*24*time.Hour)
		return nil, nil
	}, inngestkit.Use(tr.middleware("own"))))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Equal(t, []string{"own: fn begins", "own: fn failed: " + message(t, resp)}, tr.take())
}

func TestPanicsInMiddleware(t *testing.T) {
	t.Parallel()
	var seen *inngestkit.PanicError
	outer := onFunction(func(ctx context.Context, call *inngestkit.FunctionCall, next inngestkit.FunctionHandler) (any, error) {
		output, err := next(ctx, call)
		require.ErrorAs(t, err, &seen)
		return output, err
	})
	inner := onFunction(func(context.Context, *inngestkit.FunctionCall, inngestkit.FunctionHandler) (any, error) {
		panic("oh no")
	})
	app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, nil }, outer, inner))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, "function fn panicked: oh no", message(t, resp))
	require.Contains(t, string(seen.Stack), "middleware_test.go")
	require.Contains(t, l.String(), "middleware_test.go")

	app, _ = newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "a", func(context.Context) (any, error) { return nil, nil })
	}, inngestkit.Use(inngestkit.Middleware{
		Step: func(inngestkit.StepHandler) inngestkit.StepHandler {
			return func(context.Context, *inngestkit.StepCall) (any, error) { panic("oh no") }
		},
	})))
	op := ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]
	require.Equal(t, "StepError", op["op"])
	require.Equal(t, `step "a" panicked: oh no`, op["error"].(map[string]any)["message"])
}
