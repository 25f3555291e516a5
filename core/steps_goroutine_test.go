package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"sync"
	"testing"

	"github.com/inngest/inngestgo/group"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

const onAnotherGoroutine = "was called on a goroutine that the function has started: " +
	"call steps on the function's own goroutine; step.Parallel runs several at the same time"

// elsewhere calls f on another goroutine and waits for it.
func elsewhere(f func()) {
	var group sync.WaitGroup
	group.Go(f)
	group.Wait()
}

// requireRefused returns the message of a call that must not be retried.
func requireRefused(t *testing.T, resp *adapter.Response) string {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, resp.Status, "%s", resp.Body)
	require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
	return message(t, resp)
}

// Guard for hazard 24: nothing recovers the unwinding of a step on another goroutine, which
// would end the process. The call fails, whatever the function does.
func TestEachKindOnAnotherGoroutine(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		for name, derive := range map[string]func(ctx context.Context) context.Context{
			"the context of the function": func(ctx context.Context) context.Context { return ctx },
			"one that goes on":            context.WithoutCancel,
			"one that is done": func(ctx context.Context) context.Context {
				done, cancel := context.WithCancel(ctx)
				cancel()
				return done
			},
		} {
			wentOn := false
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				elsewhere(func() {
					_, err := k.call(derive(ctx))
					wentOn = err == nil
				})
				return "done", nil
			}))
			require.Contains(t, requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), onAnotherGoroutine, name)
			require.False(t, wentOn, name)
			require.Contains(t, l.String(), "inngest: step on another goroutine", name)
		}
	})
}

// A mistake in the arguments does not end the process either.
func TestStepsWithoutAFunctionOnAnotherGoroutine(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(ctx context.Context) error{
		"step.Run": func(ctx context.Context) error {
			_, err := step.Run[int](ctx, "s", nil)
			return err
		},
		"step.Map": func(ctx context.Context) error {
			_, err := step.Map[int, int](ctx, "s", []int{1}, nil)
			return err
		},
		"step.Into": func(ctx context.Context) error { return step.Into(new(int), "s", nil)(ctx) },
		"step.Into, no target": func(ctx context.Context) error {
			return step.Into(nil, "s", func(context.Context) (int, error) { return 1, nil })(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				elsewhere(func() { _ = run(ctx) })
				return "done", nil
			}))
			require.Contains(t, requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), onAnotherGoroutine)
		})
	}
}

func TestStepElsewhereIsRefusedBeforeItRuns(t *testing.T) {
	t.Parallel()
	runElsewhere := func(ctx context.Context, ran *bool) (err error) {
		elsewhere(func() {
			_, err = step.Run(ctx, "s", func(context.Context) (string, error) { *ran = true; return "", nil })
		})
		return err
	}
	for name, options := range map[string][]inngestkit.Option{"plain": nil, "checkpoints": {checkpointing}} {
		for where, run := range map[string]func(ctx context.Context, ran *bool) error{
			"in the function": runElsewhere,
			"in a branch": func(ctx context.Context, ran *bool) error {
				return step.Parallel(ctx, func(ctx context.Context) error { return runElsewhere(ctx, ran) })
			},
		} {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				ran := false
				app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return "done", run(ctx, &ran) }, options...))
				for _, call := range []*adapter.Response{
					callFn(t.Context(), t, app, signUpEnvelope(user{})),
					callStep(t.Context(), t, app, signUpEnvelope(user{}), "s"),
				} {
					require.Contains(t, requireRefused(t, call), `step "s" `+onAnotherGoroutine)
				}
				require.False(t, ran)
			})
		}
	}
}

// This includes the callback of a step, whatever it does with the error.
func TestStepElsewhereInACallback(t *testing.T) {
	t.Parallel()
	for name, outer := range map[string]func(err error) error{
		"returned":  func(err error) error { return err },
		"swallowed": func(error) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
				return step.Run(ctx, "outer", func(ctx context.Context) (_ any, err error) {
					elsewhere(func() { err = stepOf("inner", new(string))(ctx) })
					return nil, outer(err)
				})
			}))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Contains(t, requireRefused(t, resp), `step "inner" was called inside the callback of another step`)
		})
	}
}

// A goroutine of the function may reach its step, even a memoized one, while the callback of
// another step runs.
func TestStepElsewhereDuringACallback(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		return step.Run(ctx, "own", func(context.Context) (any, error) {
			elsewhere(func() { _ = stepOf("other", new(string))(ctx) })
			return nil, nil
		})
	}))
	for _, e := range []envelope{signUpEnvelope(user{}), signUpEnvelope(user{}).done("other", "other")} {
		require.Contains(t, requireRefused(t, callFn(t.Context(), t, app, e)), `step "other" `+onAnotherGoroutine)
	}
}

// Several goroutines at once, as in an errgroup, some with memoized steps.
func TestStepsOnManyGoroutines(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var group sync.WaitGroup
		var mu sync.Mutex
		var errs error
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			group.Go(func() {
				err := stepOf(id, new(string))(ctx)
				mu.Lock()
				defer mu.Unlock()
				errs = errors.Join(errs, err)
			})
		}
		_ = stepOf("own", new(string))(ctx)
		group.Wait()
		return "done", errs
	}))
	for range 20 {
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a").done("b", "b").done("own", "own"))
		require.Contains(t, requireRefused(t, resp), onAnotherGoroutine)
	}
}

// The call fails even if the function does not wait for its goroutine, if that has reached the
// step.
func TestFunctionThatDoesNotWaitForItsStep(t *testing.T) {
	t.Parallel()
	entered, end, done := make(chan any), make(chan any), make(chan any)
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		go func() {
			defer close(done)
			_, _ = step.Invoke(ctx, "s", greet.Ref(), user{}) // the middleware sees its data
		}()
		<-entered
		return "done", nil
	}))
	app.Use(inngestkit.Middleware{Invoke: func(_ context.Context, _ *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
		close(entered)
		<-end
		return data, nil
	}})
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	close(end)
	<-done
	require.Contains(t, requireRefused(t, resp), `function "fn" ended while one of its steps was under way on a goroutine that it has started`)
}

// A goroutine that outlives the call does not change the response. It gets an error, which is
// logged.
func TestStepAfterTheEndOfTheCall(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, k kind) {
		returned, done := make(chan any), make(chan any)
		wentOn := false
		app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
			go func() {
				defer close(done)
				<-returned
				_, err := k.call(context.WithoutCancel(ctx))
				wentOn = err == nil
			}()
			return "done", nil
		}))
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		close(returned)
		<-done
		require.Equal(t, `"done"`, string(resp.Body))
		require.False(t, wentOn)
		require.Contains(t, l.String(), "inngest: step on another goroutine")
	})
}

// Goroutines on which the unwinding is recovered may run steps: those of middleware, of the
// SDK's branches, and of the standard library's iterators.
func TestGoroutinesThatAreFine(t *testing.T) {
	t.Parallel()
	onItsOwn := inngestkit.Middleware{Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (output any, err error) {
			elsewhere(func() { output, err = next(ctx, call) })
			return output, err
		}
	}}
	for name, tc := range map[string]struct {
		handler func(ctx context.Context) error
		options []inngestkit.Option
	}{
		"middleware": {stepOf("s", new(string)), []inngestkit.Option{inngestkit.Use(onItsOwn)}},
		"the SDK's group": {handler: func(ctx context.Context) error {
			return group.Parallel(ctx, func(ctx context.Context) (any, error) { return nil, stepOf("s", new(string))(ctx) }).AnyError()
		}},
		"deep in the function": {handler: func(ctx context.Context) error {
			return deep(500, func() error { return stepOf("s", new(string))(ctx) })
		}},
		"deferred": {handler: func(ctx context.Context) (err error) {
			defer func() { err = stepOf("s", new(string))(ctx) }()
			return nil
		}},
		"iter.Pull": {handler: func(ctx context.Context) error {
			next, stop := iter.Pull(func(yield func(error) bool) { yield(stepOf("s", new(string))(ctx)) })
			defer stop()
			err, _ := next()
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) { return "done", tc.handler(ctx) }, tc.options...))
			resp := callStep(t.Context(), t, app, signUpEnvelope(user{}), "s")
			require.Equal(t, []string{"StepRun s"}, listed(ops(t, resp)))
			resp = callFn(t.Context(), t, app, signUpEnvelope(user{}).done("s", "s"))
			require.Equal(t, `"done"`, string(resp.Body))
		})
	}
}

// deep calls f below that many frames.
//
//go:noinline
func deep(frames int, f func() error) error {
	if frames == 0 {
		return f()
	}
	return errors.Join(deep(frames-1, f))
}
