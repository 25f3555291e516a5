package call_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/inngest/inngestgo/group"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

type branches = []func(context.Context) error

// of returns a branch that runs steps with these names.
func of(ran *[]string, names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, name := range names {
			if _, err := run(ctx, ran, name); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestParallelBranchesAreAllPlanned(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return nil, call.Parallel(ctx, branches{
			of(&ran, "a"),
			func(ctx context.Context) error { return call.Parallel(ctx, branches{of(&ran, "b"), of(&ran, "c")}) },
			of(&ran, "d"),
		})
	})
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b", "StepPlanned c", "StepPlanned d"}, end.operations(t))
	require.Empty(t, ran)
	require.True(t, end.Yielded())
}

func TestParallelErrorsAreJoined(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return nil, call.Parallel(ctx, branches{
			func(context.Context) error { return first },
			func(context.Context) error { return nil },
			func(context.Context) error { return second },
		})
	})
	require.ErrorIs(t, end.Err, first)
	require.ErrorIs(t, end.Err, second)
	require.True(t, end.Returned())
}

// A branch that swallows the unwinding does not bring the function beyond the parallel step,
// nor itself to another step.
func TestABranchSwallowsTheUnwinding(t *testing.T) {
	t.Parallel()
	var ran []string
	swallow := func(ctx context.Context, name string) {
		defer func() { _ = recover() }()
		_, _ = run(ctx, &ran, name)
	}
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		err := call.Parallel(ctx, branches{
			func(ctx context.Context) error { swallow(ctx, "a"); swallow(ctx, "after a"); return nil },
			func(ctx context.Context) error { swallow(ctx, "b"); return nil },
		})
		ran = append(ran, "the function")
		return nil, err
	})
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b"}, end.operations(t))
	require.Empty(t, ran)
}

// A deferred step of the function does not run when a branch has unwound it.
func TestAStepAfterTheParallelStepWasLeft(t *testing.T) {
	t.Parallel()
	var ran []string
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		defer func() { _, _ = run(ctx, &ran, "deferred") }()
		return nil, call.Parallel(ctx, branches{of(&ran, "a")})
	})
	require.Equal(t, []string{"StepPlanned a"}, end.operations(t))
}

func TestABranchThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return nil, call.Parallel(ctx, branches{func(context.Context) error { runtime.Goexit(); return nil }})
	})
	require.EqualError(t, end.Err, "a branch of step.Parallel did not finish: its goroutine has ended (runtime.Goexit)")
}

// Branches of the SDK's own group.Parallel are not known here; their steps run all the same.
func TestStepsInAGroupOfTheSDK(t *testing.T) {
	t.Parallel()
	var ran []string
	f := func(ctx context.Context) (any, error) {
		results := group.Parallel(ctx,
			func(ctx context.Context) (any, error) { return run(ctx, &ran, "a") },
			func(ctx context.Context) (any, error) { return run(ctx, &ran, "b") },
		)
		return results[0].Value.(string) + results[1].Value.(string), nil
	}
	require.Equal(t, []string{"StepPlanned a", "StepPlanned b"}, serve(t, given{}, f).operations(t))
	require.Equal(t, []string{"StepRun b"}, serve(t, given{Target: "b"}, f).operations(t))
	require.Equal(t, `"xy"`, serve(t, given{Steps: map[string]any{"a": "x", "b": "y"}}, f).Body)
	require.Equal(t, []string{"b"}, ran)
}

// Steps with the same ID in several branches are counted in the order in which the function
// reaches them, which changes as results arrive, unless they are at the same position.
func TestTheSameIDInSeveralBranches(t *testing.T) {
	t.Parallel()
	const refused = `step "x" is in several branches of step.Parallel, at different positions`
	nested := func(ctx context.Context) error { // two steps, one of them in the deeper of two inner branches
		if err := call.Parallel(ctx, branches{of(new([]string), "b"), of(new([]string))}); err != nil {
			return err
		}
		return of(new([]string), "x")(ctx)
	}
	for name, tc := range map[string]struct {
		second func(ctx context.Context) error
		want   string
	}{
		"same position":        {of(new([]string), "b", "x"), ""},
		"different position":   {of(new([]string), "x"), refused},
		"after parallel steps": {nested, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran []string
			steps := map[string]any{"a": "a", "b": "b"}
			end := serve(t, given{Steps: steps}, func(ctx context.Context) (any, error) {
				return nil, call.Parallel(ctx, branches{of(&ran, "a", "x"), tc.second})
			})
			if tc.want != "" {
				require.ErrorContains(t, end.Aborted(), tc.want)
				return
			}
			require.Equal(t, []string{"StepPlanned x", "StepPlanned x"}, end.operations(t))
		})
	}
}

func TestParallelWithoutACall(t *testing.T) {
	t.Parallel()
	failure := errors.New("no luck")
	require.ErrorIs(t, call.Parallel(t.Context(), branches{func(context.Context) error { return failure }}), failure)
	require.NoError(t, call.Parallel(t.Context(), nil))
}

func TestAPanicOfABranchKeepsItsStack(t *testing.T) {
	t.Parallel()
	end := serve(t, given{}, func(ctx context.Context) (any, error) {
		return nil, call.Parallel(ctx, branches{func(context.Context) error {
			defer call.KeepStack("a branch")
			panic("oh no")
		}})
	})
	var failed *panicked
	require.ErrorAs(t, end.Err, &failed)
	p, ok := failed.value.(*call.Panic)
	require.True(t, ok)
	require.Equal(t, "a branch", p.Where)
	require.Contains(t, string(p.Stack), "parallel_test.go")
}
