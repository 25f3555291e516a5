package envelope

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// largeRun returns a call without its state, in which step a has run.
func largeRun(t *testing.T) *Envelope {
	t.Helper()
	e, err := Parse([]byte(`{"event":{"name":"from the call"},"ctx":{"run_id":"R1","stack":{"stack":["a"]}},"use_api":true}`))
	require.NoError(t, err)
	require.True(t, e.UseAPI)
	return e
}

// The event of a call whose state was left out is the first of the batch
// (docs/SDK_SPEC.md, 4.4.2).
func TestFetchState(t *testing.T) {
	t.Parallel()
	e := largeRun(t)
	var paths []string
	require.NoError(t, e.FetchState(t.Context(), func(_ context.Context, path string, limit int64) ([]byte, error) {
		paths = append(paths, path)
		require.EqualValues(t, maxStateBytes, limit)
		if len(paths) == 1 {
			return []byte(" [{\"name\":\"first\"},{}]\n"), nil
		}
		return []byte(`{"a":{}}`), nil
	}))
	require.Equal(t, []string{"/v0/runs/R1/batch", "/v0/runs/R1/actions"}, paths)
	require.JSONEq(t, `{"name":"first"}`, string(e.Event))
	require.Len(t, e.Events, len(`[{"name":"first"},{}]`), "without the white space around it")
	require.False(t, e.UseAPI)
	require.Contains(t, string(e.Whole()), `"steps":{"a":{}}`)
	require.NotNil(t, e.Results.Find([]byte("a")))
}

func TestFetchStateFails(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	for name, tc := range map[string]struct {
		events, steps any // text, or an error
		want          string
	}{
		"no events":           {down, "", "the events: down"},
		"no steps":            {"[{}]", down, "the steps: down"},
		"events of null":      {"null", "{}", "the events are not a JSON array of objects"},
		"no event in them":    {"[]", "{}", "the events are not a JSON array of objects"},
		"events by number":    {`{"0":{}}`, "{}", "the events are not a JSON array of objects"},
		"steps in a list":     {"[{}]", "[]", "the steps are not a JSON object"},
		"a step that has run": {"[{}]", `{"b":{}}`, "the result of step a is missing, though it has run; perhaps the run has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := largeRun(t)
			answers := []any{tc.events, tc.steps}
			err := e.FetchState(t.Context(), func(context.Context, string, int64) ([]byte, error) {
				answer := answers[0]
				answers = answers[1:]
				if err, ok := answer.(error); ok {
					return nil, err
				}
				return []byte(answer.(string)), nil
			})
			require.EqualError(t, err, tc.want)
			require.True(t, e.UseAPI, "nothing of a bad state is used")
			require.JSONEq(t, `{"name":"from the call"}`, string(e.Event))
		})
	}
}

func TestFetchStateNeedsARunID(t *testing.T) {
	t.Parallel()
	e := largeRun(t)
	for _, e.RunID = range []string{"", "..", "a/b", "a?x", strings.Repeat("a", maxRunID+1)} {
		require.ErrorIs(t, e.FetchState(t.Context(), nil), errRunID)
	}
}

func TestFetchStateEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e, start := largeRun(t), time.Now()
		err := e.FetchState(t.Context(), func(ctx context.Context, _ string, _ int64) ([]byte, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		})
		require.EqualError(t, err, "the events: it takes more than 1m0s")
		require.Equal(t, fetchTime, time.Since(start))
	})
}
