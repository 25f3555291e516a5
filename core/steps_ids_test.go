package inngestkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// each returns a function of steps with these IDs, one after another.
func each(ids ...string) branch {
	return func(ctx context.Context) error {
		var errs []error
		for _, id := range ids {
			errs = append(errs, stepOf(id, new(string))(ctx))
		}
		return errors.Join(errs...)
	}
}

// runThrough calls the function as the server does until the run ends: it runs each planned
// step in a separate call.
func runThrough(t *testing.T, app *inngestkit.App) *adapter.Response {
	t.Helper()
	e := signUpEnvelope(user{})
	for range 20 {
		resp := callFn(t.Context(), t, app, e)
		if resp.Status != http.StatusPartialContent {
			return resp
		}
		for _, op := range ops(t, resp) {
			key, ok := op["id"].(string)
			require.True(t, ok)
			if op["op"] == "StepPlanned" {
				resp := app.Do(t.Context(), request(http.MethodPost, "fnId=app-fn&stepId="+key, e.json(t)))
				if resp.Status != http.StatusPartialContent {
					return resp
				}
				op = ops(t, resp)[0]
			}
			require.NotContains(t, e.Steps, key, "a step has run twice")
			e.Steps[key] = map[string]any{"data": op["data"]}
		}
	}
	require.Fail(t, "the run does not end")
	return nil
}

// Equal IDs are counted. An ID that looks like a counted one must not get the result of another
// step.
func TestIDsThatCollide(t *testing.T) {
	t.Parallel()
	parallel := func(branches ...branch) branch {
		return func(ctx context.Context) error { return step.Parallel(ctx, branches...) }
	}
	many := slices.Repeat([]string{"poll"}, 12)
	for name, tc := range map[string]struct {
		handler branch
		id      string // the ID that two steps share, "" if none do
	}{
		"counted first":             {each("poll", "poll", "poll:1"), "poll:1"},
		"counted last":              {each("poll:1", "poll", "poll"), "poll:1"},
		"the third":                 {each("poll", "poll:2", "poll", "poll"), "poll:2"},
		"two digits":                {each(slices.Concat(many, []string{"poll:11"})...), "poll:11"},
		"counted twice":             {each("a:1", "a:1:1", "a:1"), "a:1:1"},
		"in parallel":               {parallel(each("poll"), each("poll"), each("poll:1")), "poll:1"},
		"in parallel, counted last": {parallel(each("poll:1"), each("poll"), each("poll")), "poll:1"},
		"in parallel, one later":    {parallel(each("poll", "poll"), each("poll:1")), "poll:1"},
		"after a parallel step":     {each2(parallel(each("poll"), each("poll")), each("poll:1")), "poll:1"},
		"numbers of the function":   {each("poll:0", "poll:1", "poll:2", "poll"), ""},
		"not as they are counted":   {each("poll", "poll", "poll:01", "poll:+1", "poll:-1", "poll:", "poll:0", "poll1", ":1", "1"), ""},
		"more than there are":       {each("poll", "poll", "poll:2"), ""},
		"too long for a number":     {each("poll", "poll", "poll:99999999999999999999"), ""},
		"twice the same":            {each("poll:1", "poll:1", "poll:2", "poll"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := func(ctx context.Context, _ input) (string, error) { return "done", tc.handler(ctx) }
			plain, _ := newApp(t, onSignUp(handler))
			checkpointing, _ := newCheckpointApp(t, http.StatusOK, handler)
			for how, app := range map[string]*inngestkit.App{"plain": plain, "with checkpoints": checkpointing} {
				resp := runThrough(t, app)
				if tc.id == "" {
					require.Equal(t, `"done"`, string(resp.Body), how)
					continue
				}
				require.Contains(t, requireRefused(t, resp), fmt.Sprintf("step %q has the ID that Inngest gives to step number", tc.id), how)
			}
		})
	}
}

// each2 runs one branch after another.
func each2(first, second branch) branch {
	return func(ctx context.Context) error { return errors.Join(first(ctx), second(ctx)) }
}

func TestMessageOfIDsThatCollide(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { return nil, each("poll", "poll", "poll:1")(ctx) }))
	require.Equal(t, `step "poll:1" has the ID that Inngest gives to step number 2 of those with the ID "poll", `+
		`so one would get the result of the other: give one of them another ID`, requireRefused(t, runThrough(t, app)))
}

// The ID identifies the step in the UI, and its key is made from it.
func TestStepsNeedAnID(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(ctx context.Context){
		"Run":          func(ctx context.Context) { _ = stepOf("", new(string))(ctx) },
		"Sleep":        func(ctx context.Context) { step.Sleep(ctx, "", 1) },
		"WaitForEvent": func(ctx context.Context) { _, _ = step.WaitForEvent(ctx, "", signedUp, step.Timeout(1)) },
		"SendEvent":    func(ctx context.Context) { _, _ = step.SendEvent(ctx, "", signedUp.New(user{})) },
		"in parallel":  func(ctx context.Context) { _ = step.Parallel(ctx, stepOf("", new(string))) },
	} {
		app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) { call(ctx); return nil, nil }))
		require.Equal(t, "a step has an empty ID: give it one that names it in the run",
			requireRefused(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))), name)
	}
	err := stepOf("", new(string))(t.Context())
	require.ErrorContains(t, err, "a step has an empty ID")
}
