package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

func TestCall(t *testing.T) {
	t.Parallel()
	var got input
	app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (map[string]string, error) {
		got = in
		return map[string]string{"hello": in.Event.Data.ID}, nil
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{ID: "u1"}))
	require.Equal(t, http.StatusOK, resp.Status)
	require.JSONEq(t, `{"hello":"u1"}`, string(resp.Body))
	require.Equal(t, "go:v0.16.0", resp.Header.Get("X-Inngest-Sdk"))
	require.Equal(t, "2", resp.Header.Get("X-Inngest-Req-Version"))
	require.Equal(t, "test", resp.Header.Get("X-Inngest-Framework"))
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))

	require.Equal(t, "user/signed-up", got.Event.Name)
	require.Equal(t, "e1", *got.Event.ID)
	require.EqualValues(t, 1700000000000, got.Event.Timestamp)
	require.Equal(t, []inngestkit.Event[user]{got.Event}, got.Events)
	require.Equal(t, "01J0000000000000000000000", got.InputCtx.RunID)
	require.Equal(t, "dev", got.InputCtx.Env)
}

func TestRequestAndJobID(t *testing.T) {
	t.Parallel()
	var got inngestkit.InputCtx
	app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (any, error) {
		got = in.InputCtx
		return nil, nil
	}))
	req := request(http.MethodPost, "fnId=app-fn&stepId=step", signUpEnvelope(user{}).json(t))
	withHeader(withHeader(req, "X-Request-Id", "r1"), "X-Inngest-Job-Id", "j1")
	require.Equal(t, http.StatusOK, app.Do(t.Context(), req).Status)
	require.Equal(t, "r1", got.RequestID)
	require.Equal(t, "j1", got.JobID)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	var got input
	app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (any, error) {
		got = in
		return nil, nil
	}))
	e := signUpEnvelope(user{ID: "u1"})
	e.Events = append(e.Events, map[string]any{"name": "user/signed-up", "data": user{ID: "u2"}})
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, e).Status)
	require.Len(t, got.Events, 2)
	require.Equal(t, "u1", got.Event.Data.ID)
	require.Equal(t, "u2", got.Events[1].Data.ID)
}

func TestEventsMissingOrEmpty(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (int, error) { return len(in.Events), nil }))
	for _, events := range []string{`,"events":null`, `,"events":[]`, `,"events":[ ]`, ``} {
		body := `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}` + events + `}`
		resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn", body))
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		require.Equal(t, "1", string(resp.Body))
	}
}

// Guard for hazard 9.
func TestIntegersArriveIntact(t *testing.T) {
	t.Parallel()
	const big = 1<<53 + 1
	t.Run("event", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(_ context.Context, in input) (int64, error) { return in.Event.Data.Number, nil }))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{Number: big}))
		require.Equal(t, "9007199254740993", string(resp.Body))
	})
	t.Run("json.Number", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, inngestkit.OnEvent("fn", inngestkit.DefineEvent[map[string]json.Number]("numbers"),
			func(_ context.Context, in inngestkit.Input[map[string]json.Number]) (json.Number, error) {
				return in.Event.Data["number"], nil
			}))
		resp := callFn(t.Context(), t, app, signUpEnvelope(map[string]any{"number": json.Number("123456789012345678901234567890")}))
		require.Equal(t, "123456789012345678901234567890", string(resp.Body))
	})
	t.Run("memoized step", func(t *testing.T) {
		t.Parallel()
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (int64, error) {
			return step.Run(ctx, "big", func(context.Context) (int64, error) { return 0, nil })
		}))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("big", big))
		require.Equal(t, "9007199254740993", string(resp.Body))
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, tc := range []struct {
		name       string
		err        error
		status     int
		noRetry    string
		retryAfter string
	}{
		{"plain", errors.New("boom"), http.StatusInternalServerError, "false", ""},
		{"no retry", inngestgo.NoRetryError(errors.New("boom")), http.StatusBadRequest, "true", ""},
		{"retry at", inngestgo.RetryAtError(errors.New("boom"), at), http.StatusInternalServerError, "false", at.Format(time.RFC3339)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) { return nil, tc.err }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, tc.status, resp.Status)
			require.Equal(t, "boom", message(t, resp))
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry"))
			require.Equal(t, tc.retryAfter, resp.Header.Get("Retry-After"))
			require.Contains(t, l.String(), "function failed")
		})
	}
}

func TestEventDoesNotFit(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(context.Context, input) (any, error) { return "called", nil }))
	resp := callFn(t.Context(), t, app, signUpEnvelope(map[string]any{"id": 5}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	require.Equal(t, "go:v0.16.0", resp.Header.Get("X-Inngest-Sdk"))
	require.Equal(t, `the event does not fit the type of function "fn": field "data.id" is a JSON number where Go has string`, message(t, resp))
}

// Guard for hazard 1: to the SDK a done context looks like a completed run.
func TestDoneContextIsNeverACompletedRun(t *testing.T) {
	t.Parallel()
	next := func(ctx context.Context) (string, error) {
		return step.Run(ctx, "next", func(context.Context) (string, error) { return "ran", nil })
	}
	for name, handler := range map[string]func(ctx context.Context, hangUp func()) (string, error){
		"caller gone before a step": func(ctx context.Context, hangUp func()) (string, error) {
			hangUp()
			<-ctx.Done()
			return next(ctx)
		},
		"timeout of the user's own": func(ctx context.Context, _ func()) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 0)
			defer cancel()
			<-ctx.Done()
			return next(ctx)
		},
		"unwinding swallowed": func(ctx context.Context, hangUp func()) (result string, err error) {
			defer func() { _ = recover() }()
			hangUp()
			<-ctx.Done()
			return next(ctx)
		},
		"before a sleep": func(ctx context.Context, hangUp func()) (string, error) {
			hangUp()
			<-ctx.Done()
			step.Sleep(ctx, "nap", time.Hour)
			return "slept", nil
		},
		"a step of the SDK's own, swallowed": func(ctx context.Context, hangUp func()) (result string, err error) {
			defer func() { _ = recover() }()
			hangUp()
			<-ctx.Done()
			return sdkstep.Run(ctx, "next", func(context.Context) (string, error) { return "ran", nil })
		},
		"a step of the SDK's own, timeout of the user's own": func(ctx context.Context, _ func()) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 0)
			defer cancel()
			<-ctx.Done()
			return sdkstep.Run(ctx, "next", func(context.Context) (string, error) { return "ran", nil })
		},
		"a step of the SDK's own": func(ctx context.Context, hangUp func()) (string, error) {
			hangUp()
			<-ctx.Done()
			return sdkstep.Run(ctx, "next", func(context.Context) (string, error) { return "ran", nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return handler(ctx, hangUp) }))
			resp := callFn(ctx, t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusInternalServerError, resp.Status, "%s", resp.Body)
			require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
			if strings.HasPrefix(name, "a step of the SDK's own") {
				require.Regexp(t, "its context is done|hung up", message(t, resp))
				return
			}
			require.Regexp(t, `^step "(next|nap)" was not started, its context is done: context`, message(t, resp))
		})
	}
}

// An error that says only that the context is done does not explain why. The cause, such as
// the timeout of a platform, is added.
func TestTheCauseOfADoneContext(t *testing.T) {
	t.Parallel()
	timeout := errors.New("the platform's timeout")
	for name, tc := range map[string]struct {
		fails func(ctx context.Context) error
		want  string
	}{
		"ctx.Err":          {func(ctx context.Context) error { return ctx.Err() }, "context canceled: the platform's timeout"},
		"wrapped":          {func(ctx context.Context) error { return fmt.Errorf("query: %w", ctx.Err()) }, "query: context canceled: the platform's timeout"},
		"the cause itself": {context.Cause, "the platform's timeout"},
		"another error":    {func(context.Context) error { return io.EOF }, "EOF"},
	} {
		for place, in := range map[string]func(ctx context.Context, fails func(context.Context) error) (any, error){
			"function": func(ctx context.Context, fails func(context.Context) error) (any, error) { return nil, fails(ctx) },
			"step": func(ctx context.Context, fails func(context.Context) error) (any, error) {
				return step.Run(ctx, "query", func(ctx context.Context) (any, error) { return nil, fails(ctx) })
			},
		} {
			t.Run(name+" in a "+place, func(t *testing.T) {
				t.Parallel()
				ctx, end := context.WithCancelCause(t.Context())
				app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
					return in(ctx, func(ctx context.Context) error {
						end(timeout)
						<-ctx.Done()
						return tc.fails(ctx)
					})
				}))
				body := string(callFn(ctx, t, app, signUpEnvelope(user{})).Body)
				require.Contains(t, body, `"message":"`+tc.want+`"`)
			})
		}
	}
}

// If the caller is gone, the result may not reach the server, which then calls again.
func TestFunctionThatEndsAfterTheCallerIsGone(t *testing.T) {
	t.Parallel()
	ctx, hangUp := context.WithCancel(t.Context())
	app, _ := newApp(t, onSignUp(func(context.Context, input) (string, error) { hangUp(); return "done", nil }))
	resp := callFn(ctx, t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusInternalServerError, resp.Status)
	require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
	require.Contains(t, message(t, resp), "the caller hung up")
}

// Guard for hazard 24: recover in a function must not hide that a step yielded.
func TestSwallowedUnwindingStillYields(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (result string, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("recovered: %v", r)
			}
		}()
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "from a", nil })
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, "from a", ops(t, resp)[0]["data"])
}

func TestDeferredStepAfterYield(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		defer func() {
			_, _ = step.Run(ctx, "deferred", func(context.Context) (string, error) { return "late", nil })
		}()
		return step.Run(ctx, "a", func(context.Context) (string, error) { return "from a", nil })
	}))
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, "from a", ops(t, resp)[0]["data"])
}

func TestPanicInFunction(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"string": "oh no", "error": errors.New("oh no"), "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(context.Context, input) (any, error) { panic(value) }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusInternalServerError, resp.Status)
			require.Equal(t, fmt.Sprintf("function fn panicked: %v", value), message(t, resp))
			require.NotContains(t, string(resp.Body), ".go:")
			require.Contains(t, l.String(), "engine_test.go", "the stack is logged")
		})
	}
}

// Guard for hazard 15: the SDK confuses app-fn with fn.
func TestFunctionsWithSimilarIDs(t *testing.T) {
	t.Parallel()
	named := func(id string) inngestkit.Function {
		return inngestkit.OnEvent(id, signedUp, func(context.Context, input) (string, error) { return id, nil })
	}
	app, _ := newApp(t, named("fn"), named("app-fn"))
	for range 50 {
		for _, id := range []string{"fn", "app-fn"} {
			resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-"+id, signUpEnvelope(user{}).json(t)))
			require.Equal(t, `"`+id+`"`, string(resp.Body))
		}
	}
	resp := app.Do(t.Context(), request(http.MethodPost, "fnId=fn", signUpEnvelope(user{}).json(t)))
	require.Equal(t, http.StatusGone, resp.Status, "the ID without that of the app")
}

func TestValuesOfTheRequestReachTheFunction(t *testing.T) {
	t.Parallel()
	type key struct{}
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return ctx.Value(key{}), nil }))
	resp := callFn(context.WithValue(t.Context(), key{}, "value"), t, app, signUpEnvelope(user{}))
	require.Equal(t, `"value"`, string(resp.Body))
}
