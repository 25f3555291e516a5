package inngestkit_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

// failed memoizes the final error of a step.
func (e envelope) failed(stepID, message string) envelope {
	e.Steps[hashed(stepID)] = map[string]any{"error": map[string]any{"name": "Step failed", "message": message}}
	return e
}

func TestMap(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		lengths, err := step.Map(ctx, "measure", []string{"a", "bb", "ccc"}, func(_ context.Context, word string) (int, error) {
			return len(word), nil
		})
		after, errAfter := step.Map(ctx, "measure", lengths, func(_ context.Context, n int) (string, error) { return strconv.Itoa(n), nil })
		return after, errors.Join(err, errAfter)
	}))
	e := signUpEnvelope(user{})
	require.Equal(t, []string{"StepPlanned measure", "StepPlanned measure", "StepPlanned measure"},
		listed(ops(t, callFn(t.Context(), t, app, e))))
	for i, id := range []string{"measure", "measure:1", "measure:2"} {
		ran := ops(t, callStep(t.Context(), t, app, e, id))
		require.Equal(t, hashed(id), ran[0]["id"])
		require.InEpsilon(t, float64(i+1), ran[0]["data"], 0)
	}
	e = e.done("measure", 1).done("measure:1", 2).done("measure:2", 3)
	planned := ops(t, callFn(t.Context(), t, app, e))
	require.Len(t, planned, 3)
	require.Equal(t, hashed("measure:3"), planned[0]["id"], "the steps of a second Map go on counting")
	e = e.done("measure:3", "1").done("measure:4", "2").done("measure:5", "3")
	require.Equal(t, `["1","2","3"]`, string(callFn(t.Context(), t, app, e).Body))
}

// The function sees which items failed, and the results of the others.
func TestMapWithFailures(t *testing.T) {
	t.Parallel()
	var got []int
	var err error
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		got, err = step.Map(ctx, "measure", []int{0, 1, 2}, func(_ context.Context, n int) (int, error) { return n, nil })
		return nil, nil
	}))
	callFn(t.Context(), t, app, signUpEnvelope(user{}).failed("measure", "no ruler").done("measure:1", 7).failed("measure:2", "too long"))
	require.Equal(t, []int{0, 7, 0}, got)
	require.EqualError(t, err, "item 0: no ruler\nitem 2: too long")
	failure, ok := errors.AsType[step.Error](err)
	require.True(t, ok)
	require.Equal(t, "no ruler", failure.Message)
}

func TestMapWithoutItems(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) ([]int, error) {
		return step.Map(ctx, "measure", nil, func(_ context.Context, n int) (int, error) { return n, nil })
	}))
	require.Equal(t, `[]`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
}

// Each case ends the run at once: another attempt would do the same.
func TestInvalidBranches(t *testing.T) {
	t.Parallel()
	one := func(context.Context) (int, error) { return 1, nil }
	for want, run := range map[string]func(ctx context.Context) error{
		`step "a": the target of step.Into is nil`: func(ctx context.Context) error {
			return step.Parallel(ctx, step.Into(nil, "a", one))
		},
		`branch 1 of step.Parallel is nil`: func(ctx context.Context) error {
			return step.Parallel(ctx, step.Into(new(int), "a", one), nil)
		},
		`step "a": the function given to step.Run is nil`: func(ctx context.Context) error {
			_, err := step.Run[int](ctx, "a", nil)
			return err
		},
		`step "a": the function given to step.Into is nil`: func(ctx context.Context) error {
			return step.Parallel(ctx, step.Into(new(int), "a", nil))
		},
		`step "a": the function given to step.Map is nil`: func(ctx context.Context) error {
			_, err := step.Map[int, int](ctx, "a", []int{1}, nil)
			return err
		},
		`step "a" is one too many`: func(ctx context.Context) error {
			_, err := step.Map(ctx, "a", make([]int, 1001), func(context.Context, int) (int, error) { return 1, nil })
			return err
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return nil, run(ctx) }))
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusBadRequest, resp.Status)
			require.Contains(t, message(t, resp), want)
		})
	}
}

// In a unit test, where nothing can end the run, the error is returned.
func TestInvalidBranchesInAUnitTest(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, step.Parallel(t.Context(), nil), "branch 0 of step.Parallel is nil")
	_, err := step.Map[int, int](t.Context(), "a", nil, nil)
	require.ErrorContains(t, err, "the function given to step.Map is nil")
	require.ErrorContains(t, step.Into[int](nil, "a", nil)(t.Context()), "the target of step.Into is nil")
	require.ErrorContains(t, step.Into(new(int), "a", nil)(t.Context()), "the function given to step.Into is nil")
	_, err = step.Run[int](t.Context(), "a", nil)
	require.ErrorContains(t, err, "the function given to step.Run is nil")
}

// Like Run, Into returns what the step returned with its error.
func TestIntoWithAValueAndAnError(t *testing.T) {
	t.Parallel()
	var left int
	err := step.Parallel(t.Context(), step.Into(&left, "ship", func(context.Context) (int, error) { return 3, errors.New("3 do not fit") }))
	require.EqualError(t, err, "3 do not fit")
	require.Equal(t, 3, left)
}
