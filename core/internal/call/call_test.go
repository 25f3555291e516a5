package call_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

func TestRunningToReturned(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		c := call.From(ctx)
		require.False(t, c.Yielded())
		require.False(t, c.Returned())
		return "done", nil
	})
	require.True(t, end.Returned())
	require.False(t, end.Yielded())
	require.Equal(t, "done", end.Output())
	require.Equal(t, http.StatusOK, end.Status)
	require.Equal(t, `"done"`, end.Body)
}

func TestRunningToYielding(t *testing.T) {
	t.Parallel()
	var ran []string
	wentOn := false
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		_, err := run(ctx, &ran, "a")
		wentOn = true
		return "not the output", err
	})
	require.Equal(t, []string{"StepRun a"}, end.operations(t))
	require.Equal(t, []string{"a"}, ran)
	require.False(t, wentOn)
	require.True(t, end.Yielded())
	require.False(t, end.Returned())
	require.Nil(t, end.Output())
}

// What a function does and returns after it has swallowed the unwinding does not count.
func TestSwallowedUnwinding(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		func() {
			defer func() { _ = recover() }()
			_, _ = run(ctx, &ran, "a")
		}()
		require.True(t, call.From(ctx).Yielded())
		func() {
			defer func() { _ = recover() }()
			_, _ = run(ctx, &ran, "b")
		}()
		return "not the output", nil
	})
	require.Equal(t, []string{"StepRun a"}, end.operations(t))
	require.Equal(t, []string{"a"}, ran)
	require.False(t, end.Returned())
}

// In a targeted call, nothing may run after the target, neither in the function nor in
// another branch.
func TestRunningToOver(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{Target: "b", Steps: map[string]any{"x": 1, "y": 1}}, func(ctx context.Context) (any, error) {
		err := call.Parallel(ctx, []func(context.Context) error{
			func(ctx context.Context) error { _, err := run(ctx, &ran, "a"); return err },
			func(ctx context.Context) error { _, err := run(ctx, &ran, "b"); return err },
			func(ctx context.Context) error { _, err := run(ctx, &ran, "c"); return err },
		})
		ran = append(ran, "the function")
		return nil, err
	})
	require.Equal(t, []string{"StepRun b"}, end.operations(t))
	require.Equal(t, []string{"b"}, ran)
	require.True(t, end.Yielded())
	require.Zero(t, end.Unclaimed(), "a targeted call need not pass all steps")
}

// The SDK would go on after the parallel step, because its only branch has returned.
func TestTheTargetIsInTheLastBranch(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"succeeds": nil, "fails": errors.New("no luck")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wentOn := false
			end := serve(t, given{Target: "a"}, func(ctx context.Context) (any, error) {
				_ = call.Parallel(ctx, []func(context.Context) error{func(ctx context.Context) error {
					_, err := call.Run(ctx, "a", func(context.Context) (string, error) { return "", err })
					require.NoError(t, err)
					return nil
				}})
				wentOn = true
				return nil, nil
			})
			require.False(t, wentOn)
			require.Len(t, end.operations(t), 1)
			require.False(t, end.Returned())
		})
	}
}

// A step of the SDK's own ends the call too, even if the function swallows its unwinding.
func TestAStepOfTheSDKYields(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		func() {
			defer func() { _ = recover() }()
			sdkstep.Sleep(ctx, "nap", time.Hour)
		}()
		require.True(t, call.From(ctx).Yielded())
		return "not the output", nil
	})
	require.Equal(t, []string{"Sleep nap"}, end.operations(t))
	require.False(t, end.Returned())
}

func TestAbort(t *testing.T) {
	t.Parallel()
	first := errors.New("first")
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		for _, err := range []error{first, errors.New("second")} {
			func() {
				defer func() { require.True(t, call.IsYield(recover())) }()
				call.From(ctx).Abort(err)
			}()
		}
		return "not the output", nil
	})
	require.Equal(t, first, end.Aborted())
	require.Equal(t, first, end.Err)
	require.True(t, end.Returned(), "an error is the end of the call")
	require.Equal(t, http.StatusInternalServerError, end.Status)
	require.Contains(t, end.Body, "first")
}

func TestNoStepRunsAfterAbort(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		defer func() { _, _ = run(ctx, &ran, "deferred") }()
		call.From(ctx).Abort(errors.New("aborted"))
		return nil, nil
	})
	require.Empty(t, ran)
	require.EqualError(t, end.Err, "aborted")
}

func TestUnclaimed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given given
		f     func(ctx context.Context, ran *[]string)
		want  int
	}{
		"a new step": {given{}, func(ctx context.Context, ran *[]string) { _, _ = run(ctx, ran, "new") }, 2},
		"one claimed": {given{}, func(ctx context.Context, ran *[]string) {
			_, _ = run(ctx, ran, "x")
			_, _ = run(ctx, ran, "new")
		}, 1},
		"aborted":     {given{}, func(ctx context.Context, _ *[]string) { call.From(ctx).Abort(errors.New("no")) }, 0},
		"targeted":    {given{Target: "new"}, func(ctx context.Context, ran *[]string) { _, _ = run(ctx, ran, "new") }, 0},
		"target gone": {given{Target: "gone"}, func(ctx context.Context, ran *[]string) { _, _ = run(ctx, ran, "new") }, 0},
		"over": {given{Checkpoints: &call.Checkpoints{Off: true}}, func(ctx context.Context, ran *[]string) {
			_, _ = run(ctx, ran, "new")
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran []string
			tc.given.Steps = map[string]any{"x": "x", "y": "y"}
			end := serve(t, tc.given, func(ctx context.Context) (any, error) { tc.f(ctx, &ran); return nil, nil })
			require.Equal(t, tc.want, end.Unclaimed())
		})
	}
}

func TestInStep(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		c := call.From(ctx)
		require.False(t, c.InStep(ctx))
		return call.Run(ctx, "a", func(inner context.Context) (string, error) {
			require.True(t, c.InStep(inner))
			require.True(t, c.InStep(ctx), "the function's context, used inside the callback")
			return "", nil
		})
	})
	require.False(t, end.InStep(t.Context()))
}

func TestContextIsDoneWhenTheCallerHangsUp(t *testing.T) {
	t.Parallel()
	cause := errors.New("hung up")
	caller, hangUp := context.WithCancelCause(t.Context())
	var ran []string
	end := serve(t, given{Caller: caller}, func(ctx context.Context) (any, error) {
		hangUp(cause)
		<-ctx.Done()
		require.ErrorIs(t, context.Cause(ctx), cause)
		_, err := run(ctx, &ran, "a")
		return "not the output", err
	})
	require.Empty(t, ran)
	require.ErrorIs(t, end.Err, cause)
	require.ErrorContains(t, end.Err, `step "a" was not started, its context is done`)
	require.Equal(t, http.StatusInternalServerError, end.Status, "the SDK would complete the run")
}

func TestContextHasTheDeadlineOfTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deadline := time.Now().Add(time.Minute)
		caller, cancel := context.WithDeadline(t.Context(), deadline)
		defer cancel()
		serve(t, given{Caller: caller}, func(ctx context.Context) (any, error) {
			got, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, deadline, got)
			<-ctx.Done()
			require.Equal(t, deadline, time.Now())
			return nil, nil
		})
	})
}

// A goroutine that ends in the callback of a step ends the call with an error.
func TestGoexitInAStep(t *testing.T) {
	t.Parallel()
	var c *call.Call
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(t, given{}, func(ctx context.Context) (any, error) { //nolint:testifylint // they are in place before the function runs
			c = call.From(ctx)
			return call.Run(ctx, "a", func(context.Context) (string, error) { runtime.Goexit(); return "", nil })
		})
	}()
	<-done
	require.EqualError(t, c.Aborted(), `step "a" did not finish: its goroutine has ended (runtime.Goexit)`)
	require.True(t, c.Yielded())
	require.False(t, c.Returned())
}
