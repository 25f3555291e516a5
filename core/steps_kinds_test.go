package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// greeted is the output of the function that the tests invoke.
type greeted struct {
	Text string `json:"text"`
	Big  int64  `json:"big,omitempty"`
}

// greet is the function that the tests invoke.
var greet = inngestkit.OnEvent("greet", signedUp, func(context.Context, input) (greeted, error) { return greeted{}, nil })

// kind is one kind of step, called with the ID "s".
type kind struct {
	op   string
	call func(ctx context.Context) (any, error)
	// kept is a memoized result, want what the function gets.
	kept any
	want any
	// wrong is a memoized result that does not fit the type; nil if every result does.
	wrong any
	// fails is set if the step can fail for good, with a step.Error.
	fails bool
}

func run(ctx context.Context) (any, error) {
	return step.Run(ctx, "s", func(context.Context) (user, error) { return user{ID: "ran"}, nil })
}

// kinds has every kind of step.
var kinds = map[string]kind{
	"Run": {
		op: "StepRun", call: run, fails: true,
		kept: map[string]any{"data": user{ID: "u1"}}, want: user{ID: "u1"}, wrong: map[string]any{"data": "text"},
	},
	"SendEvent": {
		op: "StepRun", fails: true,
		call: func(ctx context.Context) (any, error) { return step.SendEvent(ctx, "s", signedUp.New(user{})) },
		kept: map[string]any{"data": []string{"e1"}}, want: []string{"e1"}, wrong: map[string]any{"data": 1},
	},
	"Sleep": {
		op:   "Sleep",
		call: func(ctx context.Context) (any, error) { step.Sleep(ctx, "s", time.Hour); return nil, nil },
	},
	"SleepUntil": {
		op: "Sleep",
		call: func(ctx context.Context) (any, error) {
			step.SleepUntil(ctx, "s", time.Now().Add(time.Hour))
			return nil, nil
		},
	},
	"WaitForEvent": {
		op: "WaitForEvent",
		call: func(ctx context.Context) (any, error) {
			e, err := step.WaitForEvent(ctx, "s", signedUp, step.Timeout(time.Hour))
			return e.Data, err
		},
		kept: map[string]any{"name": "user/signed-up", "data": user{ID: "u1"}}, want: user{ID: "u1"},
		wrong: map[string]any{"name": "user/signed-up", "data": "text"},
	},
	"WaitForSignal": {
		op: "WaitForSignal",
		call: func(ctx context.Context) (any, error) {
			return step.WaitForSignal[user](ctx, "s", "go", step.Timeout(time.Hour))
		},
		kept: map[string]any{"data": map[string]any{"signal": "go", "data": user{ID: "u1"}}}, want: user{ID: "u1"},
		wrong: map[string]any{"data": map[string]any{"signal": "go", "data": "text"}},
	},
	"Invoke": {
		op: "InvokeFunction", fails: true,
		call: func(ctx context.Context) (any, error) { return step.Invoke(ctx, "s", greet.Ref(), user{ID: "u1"}) },
		kept: map[string]any{"data": greeted{Text: "hi"}}, want: greeted{Text: "hi"}, wrong: map[string]any{"data": "text"},
	},
	"Fetch": {
		op: "Gateway", fails: true,
		call: func(ctx context.Context) (any, error) {
			return step.Fetch(ctx, "s", step.FetchRequest{URL: "https://api.test/users"})
		},
		kept:  map[string]any{"data": map[string]any{"status_code": 200, "body": "hi", "url": "https://api.test/users"}},
		want:  step.FetchResponse{StatusCode: 200, Body: "hi", URL: "https://api.test/users"},
		wrong: map[string]any{"data": map[string]any{"status_code": "200"}},
	},
	"Infer": {
		op: "AIGateway", fails: true,
		call: func(ctx context.Context) (any, error) {
			return step.Infer[greeted](ctx, "s", step.InferRequest{URL: "https://ai.test/v1/chat/completions"})
		},
		kept: map[string]any{"data": greeted{Text: "hi"}}, want: greeted{Text: "hi"}, wrong: map[string]any{"data": "text"},
	},
}

// eachKind runs test with every kind of step, alone and as a branch of a parallel step.
func eachKind(t *testing.T, test func(t *testing.T, k kind)) {
	t.Helper()
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
		t.Run("parallel "+name, func(t *testing.T) {
			t.Parallel()
			parallel, alone := k, k.call
			parallel.call = func(ctx context.Context) (value any, err error) {
				joined := step.Parallel(ctx, func(ctx context.Context) error { value, err = alone(ctx); return err })
				if (err == nil) != (joined == nil) {
					return nil, errors.New("step.Parallel does not return the branch's error")
				}
				return value, err
			}
			test(t, parallel)
		})
	}
}

// newKindApp returns an app whose function is one step and assigns what the step returned to
// got.
func newKindApp(tb testing.TB, k kind, got *any) *inngestkit.App {
	tb.Helper()
	app, _ := newApp(tb, onSignUp(func(ctx context.Context, _ input) (any, error) {
		value, err := k.call(ctx)
		if got != nil {
			*got = value
		}
		return nil, err
	}), greet)
	return app
}

func TestMemoizedResults(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		var got any
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = k.kept
		resp := callFn(t.Context(), t, newKindApp(t, k, &got), e)
		require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
		require.Equal(t, k.want, got)
	})
}

// A result that a new version of the code cannot decode is retried: the old version may still be
// deployed, or be deployed again.
func TestMemoizedResultDoesNotFit(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		if k.wrong == nil {
			return // a sleep has no result
		}
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = k.wrong
		resp := callFn(t.Context(), t, newKindApp(t, k, nil), e)
		require.Equal(t, http.StatusInternalServerError, resp.Status, "%s", resp.Body)
		require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
		require.Contains(t, message(t, resp), `the memoized result of step "s" does not fit its Go type`)
	})
}

// Guard for hazard 3, for every kind of step that can fail.
func TestMemoizedErrorsOfEachKind(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		if !k.fails {
			return
		}
		for _, extra := range []map[string]any{{}, {"data": "x"}, {"data": nil}, {"stack": "…", "data": map[string]any{"text": 5}}} {
			var err error
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				_, err = k.call(ctx)
				return "handled", nil
			}))
			stepError := map[string]any{"name": "Oops", "message": "it failed"}
			maps.Copy(stepError, extra)
			e := signUpEnvelope(user{})
			e.Steps[hashed("s")] = map[string]any{"error": stepError}
			resp := callFn(t.Context(), t, app, e)
			require.Equal(t, `"handled"`, string(resp.Body))
			var failed step.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "Oops", failed.Name)
			require.Equal(t, "it failed", failed.Message)
		}
	})
}

// If the function returns the final error of a step, the run fails without a retry.
func TestUnhandledStepErrorIsNotRetried(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		if !k.fails {
			return
		}
		e := signUpEnvelope(user{})
		e.Steps[hashed("s")] = map[string]any{"error": map[string]any{"name": "Oops", "message": "it failed"}}
		resp := callFn(t.Context(), t, newKindApp(t, k, nil), e)
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
		require.JSONEq(t, `{"name":"Oops","message":"it failed"}`, string(resp.Body), "it is the step's own error")
	})
}

// An error with more text than the step's own is not changed.
func TestUnhandledStepErrorInAnother(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wrap func(err error) error
		kept map[string]any
		want string
	}{
		"wrapped": {
			func(err error) error { return fmt.Errorf("could not charge: %w", err) }, map[string]any{"name": "Oops", "message": "no"},
			`{"name":"Error","message":"unhandled step error: could not charge: no"}`,
		},
		"joined": {
			func(err error) error { return errors.Join(err, errors.New("pity")) }, map[string]any{"name": "Oops", "message": "no"},
			`{"name":"Error","message":"unhandled step error: no\npity"}`,
		},
		"without a message": {
			func(err error) error { return err }, map[string]any{"name": "Oops"},
			`{"name":"Error","message":"unhandled step error: "}`,
		},
		"without a name": {
			func(err error) error { return err }, map[string]any{"message": "no"}, `{"name":"Error","message":"no"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				return nil, tc.wrap(stepOf("s", new(string))(ctx))
			}))
			e := signUpEnvelope(user{})
			e.Steps[hashed("s")] = map[string]any{"error": tc.kept}
			resp := callFn(t.Context(), t, app, e)
			require.Equal(t, http.StatusBadRequest, resp.Status)
			require.JSONEq(t, tc.want, string(resp.Body))
		})
	}
}

// With checkpoints and in adopted functions, it is also the step's own error.
func TestUnhandledStepErrorElsewhere(t *testing.T) {
	t.Parallel()
	e := signUpEnvelope(user{})
	e.Steps[hashed("s")] = map[string]any{"error": map[string]any{"name": "Oops", "message": "it failed"}}
	checkpointed, _ := newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (string, error) {
		_ = stepOf("new", new(string))(ctx)
		return "", stepOf("s", new(string))(ctx)
	})
	adopted, _ := adopt(t, func(ctx context.Context, _ input) (any, error) {
		return sdkstep.Run(ctx, "s", func(context.Context) (string, error) { return "", nil })
	})
	for _, app := range []*inngestkit.App{checkpointed, adopted} {
		resp := callFn(t.Context(), t, app, e)
		require.Equal(t, http.StatusBadRequest, resp.Status)
		require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
		require.JSONEq(t, `{"name":"Oops","message":"it failed"}`, string(resp.Body))
	}

	client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) {
		o.Middleware = append(o.Middleware, func() middleware.Middleware { return &censors{} })
	})
	createFn(t, client, "fn", func(ctx context.Context, _ input) (any, error) {
		return sdkstep.Run(ctx, "s", func(context.Context) (string, error) { return "", nil })
	})
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	require.Equal(t, "censored", message(t, callFn(t.Context(), t, app, e)), "the client's middleware has the last word")
}

// censors is SDK middleware that replaces every error.
type censors struct{ middleware.BaseMiddleware }

func (*censors) TransformOutput(_ context.Context, _ middleware.CallContext, out *middleware.TransformableOutput) {
	out.Error = errors.New("censored")
}

// Guard for hazard 1, for every kind of step: to the SDK a done context looks like
// a completed run.
func TestDoneContextBeforeEachKind(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		for name, handler := range map[string]func(ctx context.Context, hangUp func()) (any, error){
			"caller gone": func(ctx context.Context, hangUp func()) (any, error) {
				hangUp()
				<-ctx.Done()
				return k.call(ctx)
			},
			"timeout of the user's own": func(ctx context.Context, _ func()) (any, error) {
				ctx, cancel := context.WithTimeout(ctx, 0)
				defer cancel()
				return k.call(ctx)
			},
			"swallowed": func(ctx context.Context, _ func()) (any, error) {
				defer func() { _ = recover() }()
				ctx, cancel := context.WithTimeout(ctx, 0)
				defer cancel()
				return k.call(ctx)
			},
		} {
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return handler(ctx, hangUp) }))
			resp := callFn(ctx, t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusInternalServerError, resp.Status, "%s: %s", name, resp.Body)
			require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"), name)
			require.Regexp(t, `^step "s" was not started, its context is done: context`, message(t, resp), name)
		}
	})
}

// Guard for hazard 25, for every kind of step.
func TestEachKindNested(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		for name, inner := range map[string]func(outer, callback context.Context) (any, error){
			"with the context of the callback": func(_, callback context.Context) (any, error) { return k.call(callback) },
			"with the context of the function": func(outer, _ context.Context) (any, error) { return k.call(outer) },
		} {
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				return step.Run(ctx, "outer", func(callback context.Context) (any, error) { return inner(ctx, callback) })
			}))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusBadRequest, resp.Status, name)
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"), name)
			require.Contains(t, message(t, resp), `step "s" was called inside the callback of another step`, name)
		}
	})
}

// Outside of a function, steps with a callback run it, and others return an error that explains
// why they cannot run.
func TestEachKindOutsideAFunction(t *testing.T) {
	t.Parallel()
	const outside = `step "s" was called outside a function: call it in a function that an app serves, with the function's ` +
		`ctx; in a unit test only step.Run and step.Parallel work, and package inngesttest runs the others on a server`
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch name {
			case "Run":
				value, err := k.call(t.Context())
				require.NoError(t, err)
				require.Equal(t, user{ID: "ran"}, value)
			case "SendEvent":
				_, err := k.call(t.Context())
				require.ErrorContains(t, err, "the context has no app")
			case "Sleep", "SleepUntil":
				require.PanicsWithError(t, outside, func() { _, _ = k.call(t.Context()) })
			case "Invoke":
				_, err := k.call(t.Context())
				require.ErrorContains(t, err, "the context is not that of an app's function")
			default:
				_, err := k.call(t.Context())
				require.EqualError(t, err, outside)
				require.ErrorIs(t, err, sdkstep.ErrNotInFunction)
			}
		})
	}
}
