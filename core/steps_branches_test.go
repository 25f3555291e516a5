package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Steps with the same ID are counted in the order in which the function reaches them. In
// branches with steps at the same positions, that is the order of the branches.
func TestSameIDInBranches(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		var results [4]string
		twoSteps := func(first, second *string) branch {
			return func(ctx context.Context) error {
				return errors.Join(stepOf("one", first)(ctx), stepOf("two", second)(ctx))
			}
		}
		err := step.Parallel(ctx, twoSteps(&results[0], &results[1]), twoSteps(&results[2], &results[3]))
		return fmt.Sprint(results), err
	}))
	e := signUpEnvelope(user{})
	planned := ops(t, callFn(t.Context(), t, app, e))
	require.Equal(t, []string{"StepPlanned one", "StepPlanned one"}, listed(planned))
	require.Equal(t, []any{hashed("one"), hashed("one:1")}, []any{planned[0]["id"], planned[1]["id"]})
	e = e.done("one", "1a").done("one:1", "1b")
	planned = ops(t, callFn(t.Context(), t, app, e))
	require.Equal(t, []any{hashed("two"), hashed("two:1")}, []any{planned[0]["id"], planned[1]["id"]})
	resp := callFn(t.Context(), t, app, e.done("two", "2a").done("two:1", "2b"))
	require.Equal(t, `"[1a 2a 1b 2b]"`, string(resp.Body))
}

// At other positions, the first branch would get the result of the second, whose step has
// already run when the first reaches its own.
func TestSameIDAtDifferentPlacesOfBranches(t *testing.T) {
	t.Parallel()
	long := func(ctx context.Context) error {
		return errors.Join(stepOf("first", new(string))(ctx), stepOf("same", new(string))(ctx))
	}
	for name, tc := range map[string]struct {
		branches []branch
		refused  bool
	}{
		"late in the first":               {[]branch{long, stepOf("same", new(string))}, true},
		"late in the second":              {[]branch{stepOf("same", new(string)), long}, false},
		"after a parallel step in it":     {[]branch{nested(long), stepOf("same", new(string))}, true},
		"after one, at the same position": {[]branch{long, nested(stepOf("first", new(string)))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				err := step.Parallel(ctx, tc.branches...)
				if err == nil {
					err = step.Parallel(ctx, stepOf("same", new(string))) // counted after the others
				}
				return "done", err
			}))
			e := signUpEnvelope(user{}).done("first", "").done("first:1", "").done("same", "").done("same:1", "").done("same:2", "")
			resp := callFn(t.Context(), t, app, e)
			if !tc.refused {
				require.Equal(t, `"done"`, string(resp.Body))
				return
			}
			require.Equal(t, http.StatusBadRequest, resp.Status)
			require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
			require.Contains(t, message(t, resp), `step "same" is in several branches of step.Parallel, at different positions`)
		})
	}
}

// nested returns a branch with a parallel step and one more step after it.
func nested(inner branch) branch {
	return func(ctx context.Context) error {
		if err := step.Parallel(ctx, inner); err != nil {
			return err
		}
		return stepOf("same", new(string))(ctx)
	}
}

// The log lines of a branch are logged, and not again for each step of other branches.
func TestParallelLogs(t *testing.T) {
	t.Parallel()
	logged := func(id string) branch {
		return func(ctx context.Context) error {
			inngestkit.Logger(ctx).Info(id + " begins")
			err := stepOf(id, new(string))(ctx)
			inngestkit.Logger(ctx).Info(id + " went on")
			return err
		}
	}
	app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		err := step.Parallel(ctx, logged("a"), logged("b"), logged("c"))
		inngestkit.Logger(ctx).Info("end")
		return nil, err
	}))
	e := signUpEnvelope(user{})
	callFn(t.Context(), t, app, e)
	for _, id := range []string{"a", "b", "c"} {
		callStep(t.Context(), t, app, e, id)
		e = e.done(id, id)
	}
	callFn(t.Context(), t, app, e)
	for _, line := range []string{"a begins", "b begins", "c begins", "a went on", "b went on", "end"} {
		require.Equal(t, 1, strings.Count(l.String(), line), "%s", line)
	}
	require.Contains(t, l.String(), "c went on")
}
