package call_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

const onAnotherGoroutine = "was called on a goroutine that the function has started"

// elsewhere runs f on another goroutine.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	<-done
}

func TestAStepOnAnotherGoroutine(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(ctx context.Context, ran *[]string) error{
		`step "a"`: func(ctx context.Context, ran *[]string) error { _, err := run(ctx, ran, "a"); return err },
		"step.Parallel": func(ctx context.Context, ran *[]string) error {
			return call.Parallel(ctx, branches{of(ran, "a")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran []string
			end := serve(t, given{}, func(ctx context.Context) (any, error) {
				var err error
				elsewhere(func() { err = f(ctx, &ran) })
				require.ErrorContains(t, err, name+" "+onAnotherGoroutine)
				return "not the output", nil
			})
			require.Empty(t, ran)
			require.ErrorContains(t, end.Aborted(), name+" "+onAnotherGoroutine)
			require.Contains(t, end.Log, "inngest: step on another goroutine")
			require.True(t, end.Returned())
		})
	}
}

// A memoized step does not unwind, so its goroutine is not checked.
func TestAMemoizedStepOnAnotherGoroutine(t *testing.T) {
	t.Parallel()
	end := serve(t, given{Steps: map[string]any{"a": "x"}}, func(ctx context.Context) (value any, err error) {
		elsewhere(func() { value, err = run(ctx, new([]string), "a") })
		return value, err
	})
	require.Equal(t, `"x"`, end.Body)
}

func TestAStepInAnIterator(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		next, stop := iter.Pull(func(yield func(string) bool) {
			value, _ := run(ctx, &ran, "a")
			yield(value)
		})
		defer stop()
		value, _ := next()
		return value, nil
	})
	require.Equal(t, []string{"StepRun a"}, end.operations(t))
	require.NoError(t, end.Aborted())
}

func TestAStepWithAForeignContext(t *testing.T) {
	t.Parallel()
	var ran []string
	foreign := t.Context()
	for name, f := range map[string]handler{
		`step "a"`:      func(context.Context) (any, error) { return run(foreign, &ran, "a") },
		"step.Parallel": func(context.Context) (any, error) { return nil, call.Parallel(foreign, branches{of(&ran, "a")}) },
		`step "branch"`: func(ctx context.Context) (any, error) {
			return nil, call.Parallel(ctx, branches{func(context.Context) error { _, err := run(foreign, &ran, "branch"); return err }})
		},
	} {
		end := serve(t, given{}, f)
		require.ErrorContains(t, end.Aborted(), name+" was given a context that is not the function's")
		require.Empty(t, ran)
	}
}

func TestAStepAfterItsCall(t *testing.T) {
	t.Parallel()
	var kept context.Context
	end := serve(t, given{}, func(ctx context.Context) (any, error) { kept = ctx; return "done", nil })
	_, err := run(kept, new([]string), "late")
	require.ErrorContains(t, err, `step "late" was given the context of a call that has ended`)
	require.Equal(t, "done", end.Output())
}

func TestAStepWithinAStep(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]bool{"with the context of the callback": true, "with that of the function": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran []string
			end := serve(t, given{}, func(ctx context.Context) (any, error) {
				return call.Run(ctx, "outer", func(callback context.Context) (string, error) {
					if inner {
						ctx = callback
					}
					return run(ctx, &ran, "inner")
				})
			})
			require.ErrorContains(t, end.Err, `step "inner" was called inside the callback of another step`)
			require.Empty(t, ran)
		})
	}
}

// A function that returns while one of its steps runs elsewhere fails.
func TestAFunctionThatLeavesAStepBehind(t *testing.T) {
	t.Parallel()
	entered, release, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		go func() {
			defer close(left)
			_, _ = call.Wait[string](ctx, call.Waiting{Kind: call.WaitForSignal, Name: "a", Begin: func(_ context.Context, _ call.ID) (json.RawMessage, error) {
				close(entered)
				<-release
				return json.RawMessage(`"x"`), nil
			}, Kept: whole})
		}()
		<-entered
		return "not the output", nil
	})
	close(release)
	<-left
	require.ErrorContains(t, end.Err, `function "fn" ended while one of its steps was under way`)
}
