package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo/group"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// Functions may have steps of the SDK beside those of package step, and either kind of
// parallel step inside the other.

type steps func(ctx context.Context) (any, error)

// callbacks counts in a context how often the callbacks of steps were called.
type callbacks struct{}

func called(ctx context.Context, what string) string {
	if counts, ok := ctx.Value(callbacks{}).(map[string]int); ok {
		counts[what]++
	}
	return what
}

// kitRuns is a step of package step, and sdkRuns one of the SDK.
func kitRuns(id string) steps {
	return func(ctx context.Context) (any, error) {
		return step.Run(ctx, id, func(ctx context.Context) (string, error) { return called(ctx, id), nil })
	}
}

func sdkRuns(id string) steps {
	return func(ctx context.Context) (any, error) {
		return sdkstep.Run(ctx, id, func(ctx context.Context) (string, error) { return called(ctx, "sdk "+id), nil })
	}
}

func parallel(branches ...steps) steps {
	return func(ctx context.Context) (any, error) {
		all := make([]func(ctx context.Context) error, len(branches))
		for i, branch := range branches {
			all[i] = func(ctx context.Context) error { _, err := branch(ctx); return err }
		}
		return nil, step.Parallel(ctx, all...)
	}
}

func sdkParallel(branches ...steps) steps {
	return func(ctx context.Context) (any, error) {
		all := make([]func(ctx context.Context) (any, error), len(branches))
		for i, branch := range branches {
			all[i] = branch
		}
		return nil, group.Parallel(ctx, all...).AnyError()
	}
}

func waitsAnHour(ctx context.Context) (any, error) {
	return step.WaitForEvent(ctx, "wait", signedUp, step.Timeout(time.Hour))
}

func TestParallelStepsOfBothKinds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps steps
		want  []string
	}{
		"ours":                        {parallel(kitRuns("x"), kitRuns("y")), []string{"x", "y"}},
		"the SDK's":                   {sdkParallel(kitRuns("x"), kitRuns("y")), []string{"x", "y"}},
		"ours in ours":                {parallel(parallel(kitRuns("x"), kitRuns("y")), kitRuns("z")), []string{"x", "y", "z"}},
		"ours in the SDK's":           {sdkParallel(parallel(kitRuns("x"), kitRuns("y")), kitRuns("z")), []string{"x", "y", "z"}},
		"the SDK's in ours":           {parallel(sdkParallel(kitRuns("x"), kitRuns("y")), kitRuns("z")), []string{"x", "y", "z"}},
		"a wait in the SDK's":         {sdkParallel(parallel(waitsAnHour), kitRuns("y")), []string{"wait", "y"}},
		"in three levels":             {sdkParallel(parallel(sdkParallel(kitRuns("x"), kitRuns("y")), kitRuns("z")), kitRuns("a")), []string{"x", "y", "z", "a"}},
		"with steps of the SDK":       {sdkParallel(parallel(sdkRuns("x")), kitRuns("y"), sdkRuns("z")), []string{"x", "y", "z"}},
		"with steps of the SDK, ours": {parallel(sdkParallel(sdkRuns("x"), kitRuns("y")), sdkRuns("z")), []string{"x", "y", "z"}},
		"and the function goes on": {
			func(ctx context.Context) (any, error) {
				func() {
					defer func() { _ = recover() }() // as a careless function does
					_, _ = sdkParallel(kitRuns("x"), kitRuns("y"))(ctx)
				}()
				return kitRuns("after")(ctx)
			}, []string{"x", "y"},
		},
		"and the branch goes on": {
			func(ctx context.Context) (any, error) {
				defer func() { _ = recover(); _, _ = kitRuns("after")(ctx) }()
				return parallel(sdkParallel(kitRuns("x"), kitRuns("y")), kitRuns("z"))(ctx)
			}, []string{"x", "y", "z"},
		},
		"and a branch swallows it": {
			parallel(func(ctx context.Context) (any, error) {
				func() {
					defer func() { _ = recover() }()
					_, _ = sdkParallel(kitRuns("x"), kitRuns("y"))(ctx)
				}()
				return kitRuns("after")(ctx)
			}, kitRuns("z")), []string{"x", "y", "z"},
		},
		"and a branch swallows it, and ends": {
			func(ctx context.Context) (any, error) {
				_, _ = parallel(func(ctx context.Context) (any, error) {
					defer func() { _ = recover() }()
					return sdkParallel(kitRuns("x"), kitRuns("y"))(ctx)
				})(ctx)
				return kitRuns("after")(ctx)
			}, []string{"x", "y"},
		},
	} {
		handler := func(ctx context.Context, _ input) (any, error) { return tc.steps(ctx) }
		ours, _ := newApp(t, onSignUp(handler))
		adopted, _ := adopt(t, handler)
		for of, app := range map[string]*inngestkit.App{"ours": ours, "adopted": adopted} {
			var have []string
			for _, op := range ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}))) {
				have = append(have, op["name"].(string))
			}
			require.Equal(t, tc.want, have, "%s, %s", name, of)
		}
	}
}

// A step of the SDK and one of package step with the same ID are two steps.
func TestSameIDAsAStepOfTheSDK(t *testing.T) {
	t.Parallel()
	seal := inngestkit.Middleware{Invoke: func(context.Context, *inngestkit.StepCall, json.RawMessage) (json.RawMessage, error) {
		return json.RawMessage(`{"id":"sealed"}`), nil
	}}
	handler := func(ctx context.Context, _ input) (any, error) {
		first, err := sdkRuns("a")(ctx)
		if err != nil {
			return nil, err
		}
		second, err := kitRuns("a")(ctx)
		if err != nil {
			return nil, err
		}
		_, err = step.Invoke(ctx, "a", greet.Ref(), user{ID: first.(string) + second.(string)})
		return nil, err
	}
	ours, _ := newApp(t, onSignUp(handler, inngestkit.Use(seal)), greet)
	adopted, _ := adopt(t, handler)
	adopted.Use(seal)
	for of, app := range map[string]*inngestkit.App{"ours": ours, "adopted": adopted} {
		e := signUpEnvelope(user{}).done("a", "sdk a")
		op := ops(t, callFn(t.Context(), t, app, e))[0]
		require.Equal(t, []any{hashed("a:1"), "a"}, []any{op["id"], op["data"]}, of)
		op = ops(t, callFn(t.Context(), t, app, e.done("a:1", "a")))[0]
		require.Equal(t, []any{hashed("a:2"), "InvokeFunction"}, []any{op["id"], op["op"]}, of)
		require.Equal(t, map[string]any{"id": "sealed"}, op["opts"].(map[string]any)["payload"].(map[string]any)["data"], of)
	}
}

// In a function with checkpoints, steps of both kinds keep their results and their errors, and
// each runs once.
func TestCheckpointsAndStepsOfTheSDK(t *testing.T) {
	t.Parallel()
	fails := func(context.Context) (string, error) { return "", errors.New("no stock") }
	ourFailure := steps(func(ctx context.Context) (any, error) { return step.Run(ctx, "f", fails) })
	sdkFailure := steps(func(ctx context.Context) (any, error) { return sdkstep.Run(ctx, "f", fails) })
	for name, tc := range map[string]struct {
		steps []steps
		want  string
	}{
		"the SDK's first":   {[]steps{sdkRuns("a"), kitRuns("a"), kitRuns("b")}, `["sdk a","a","b"]`},
		"ours first":        {[]steps{kitRuns("a"), sdkRuns("a"), kitRuns("a")}, `["a","sdk a","a"]`},
		"the SDK's":         {[]steps{sdkRuns("a"), sdkRuns("a"), kitRuns("a")}, `["sdk a","sdk a","a"]`},
		"only the SDK's":    {[]steps{sdkRuns("a"), sdkRuns("b")}, `["sdk a","sdk b"]`},
		"the SDK's fail":    {[]steps{sdkFailure, sdkFailure}, `["no stock","no stock"]`},
		"ours fails":        {[]steps{sdkRuns("a"), ourFailure, kitRuns("b")}, `["sdk a","no stock","b"]`},
		"the SDK's fails":   {[]steps{kitRuns("a"), sdkFailure, kitRuns("b")}, `["a","no stock","b"]`},
		"and others run":    {[]steps{sdkFailure, sdkRuns("a"), kitRuns("b")}, `["no stock","sdk a","b"]`},
		"one after another": {[]steps{sdkRuns("a"), sdkFailure, ourFailure}, `["sdk a","no stock","no stock"]`},
	} {
		returnsError, counts := false, map[string]int{}
		handler := func(ctx context.Context, _ input) (any, error) {
			ctx = context.WithValue(ctx, callbacks{}, counts)
			var all []any
			for _, s := range tc.steps {
				result, err := s(ctx)
				if err != nil {
					result = err.Error()
				}
				all = append(all, result)
			}
			if returnsError {
				return nil, inngestkit.NoRetry(errors.New("the end"))
			}
			return all, nil
		}
		for _, batch := range []int{1, 10} {
			clear(counts)
			app, server := newCheckpointing(t, http.StatusOK, checkpoint.Config{BatchSteps: batch}, handler)
			resp := finish(t, app, server, len(tc.steps))
			require.JSONEq(t, tc.want, string(resp.Body), name)
			for callback, n := range counts {
				require.Equal(t, strings.Count(tc.want, strconv.Quote(callback)), n, "%s: %s", name, callback)
			}
		}
		returnsError = true
		app, server := newCheckpointing(t, http.StatusOK, checkpoint.Config{BatchSteps: 1}, handler)
		require.Equal(t, "the end", message(t, finish(t, app, server, len(tc.steps))), name)
	}
}

// finish makes calls until the run has ended, and gives each the results of those before it,
// of which there are as many as steps. It returns the last response.
func finish(t *testing.T, app *inngestkit.App, server *api, steps int) *adapter.Response {
	t.Helper()
	e, checkpoints := signUpEnvelope(user{}), 0
	e.Context["max_attempts"] = 1
	keep := func(op operation) {
		require.NotContains(t, e.Steps, op.ID, "the step has run before")
		require.Contains(t, []string{"StepRun", "StepFailed"}, op.Op)
		e.Steps[op.ID] = map[string]any{"data": op.Data}
		if op.Error != nil {
			e.Steps[op.ID] = map[string]any{"error": op.Error}
		}
	}
	for range 2 * steps {
		resp := callFn(t.Context(), t, app, e)
		_, bodies := server.seen()
		for ; checkpoints < len(bodies); checkpoints++ {
			var sent struct {
				Steps []operation `json:"steps"`
			}
			require.NoError(t, json.Unmarshal([]byte(bodies[checkpoints]), &sent))
			for _, op := range sent.Steps {
				keep(op)
			}
		}
		if resp.Status != http.StatusPartialContent {
			require.Len(t, e.Steps, steps, "%s", resp.Body)
			return resp
		}
		var sent []operation
		require.NoError(t, json.Unmarshal(resp.Body, &sent))
		for i, op := range sent {
			keep(op)
			if op.Op == "StepFailed" {
				require.Equal(t, "true", resp.Header.Get("X-Inngest-No-Retry"))
				require.Equal(t, len(sent)-1, i, "a failed step is the last in a response")
			}
		}
	}
	require.FailNow(t, "the run does not end")
	return nil
}

type operation struct {
	Op    string `json:"op"`
	ID    string `json:"id"`
	Data  any    `json:"data"`
	Error any    `json:"error"`
}

// The last result may be one that the SDK has handed out: then a function of this package no
// longer replays either.
func TestReplayOfAStepOfTheSDK(t *testing.T) {
	t.Parallel()
	app, logs := newApp(t, onSignUp(func(ctx context.Context, _ input) (any, error) {
		inngestkit.Logger(ctx).Info("before")
		_, err := kitRuns("a")(ctx)
		inngestkit.Logger(ctx).Info("between")
		if err == nil {
			_, err = sdkRuns("b")(ctx)
		}
		inngestkit.Logger(ctx).Info("after")
		return nil, err
	}))
	require.Equal(t, http.StatusOK, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a").done("b", "b")).Status)
	require.Contains(t, logs.String(), "after")
	require.NotContains(t, logs.String(), "before")
	require.NotContains(t, logs.String(), "between")
	require.NotContains(t, logs.String(), "WARN")
}
