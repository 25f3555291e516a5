package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo/pkg/checkpoint"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/step"
)

// checkpointing lets a function continue after a step in the same call.
var checkpointing = fnconfig.Func(func(c *fnconfig.Config) {
	c.Options.Checkpoint = &checkpoint.Config{BatchSteps: 1}
})

// newCheckpointApp is newCheckpointing with a checkpoint for each step.
func newCheckpointApp(
	t *testing.T, status int, handler func(ctx context.Context, in input) (string, error),
) (*inngestkit.App, *api) {
	t.Helper()
	return newCheckpointing(t, status, checkpoint.Config{BatchSteps: 1}, handler)
}

// checkpoints records the operations sent to a server, and their URLs.
func checkpoints(t *testing.T, server *api) []string {
	t.Helper()
	requests, bodies := server.seen()
	var all []map[string]any
	for i, body := range bodies {
		require.Equal(t, "/v1/checkpoint/01J0000000000000000000000/async", requests[i].URL.Path)
		var sent struct {
			Steps []map[string]any `json:"steps"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &sent))
		all = append(all, sent.Steps...)
	}
	return listed(all)
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	ran := 0
	handler := func(ctx context.Context, _ input) (string, error) {
		var results [4]string
		for i, id := range []string{"a", "b"} {
			if err := stepOf(id, &results[i])(ctx); err != nil {
				return "", err
			}
			ran++
		}
		err := step.Parallel(ctx, stepOf("c", &results[2]), stepOf("d", &results[3]))
		return results[0] + results[1] + results[2] + results[3], err
	}
	app, server := newCheckpointApp(t, http.StatusOK, handler)
	e := signUpEnvelope(user{}).done("a", "a")
	require.Equal(t, []string{"StepPlanned c", "StepPlanned d"}, listed(ops(t, callFn(t.Context(), t, app, e))))
	require.Equal(t, []string{"StepRun b"}, checkpoints(t, server), "memoized results are not sent again")
	require.Equal(t, 2, ran)

	e = e.done("b", "b").done("c", "c")
	require.Equal(t, []string{"StepRun d"}, listed(ops(t, callStep(t.Context(), t, app, e, "d"))))
	require.Equal(t, `"abcd"`, string(callFn(t.Context(), t, app, e.done("d", "d")).Body))
	require.Len(t, checkpoints(t, server), 1)
}

// Results that were sent are not in the response.
func TestManyCheckpoints(t *testing.T) {
	t.Parallel()
	app, _ := newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (string, error) {
		for range 1001 {
			if err := stepOf("a", new(string))(ctx); err != nil {
				return "", err
			}
		}
		return "done", nil
	})
	require.Equal(t, `"done"`, string(callFn(t.Context(), t, app, signUpEnvelope(user{})).Body))
}

// The response has a result that the server refused, and the next call continues after it: with
// several results in a response, servers call several times.
func TestCheckpointsAreRefused(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointApp(t, http.StatusBadRequest, func(ctx context.Context, _ input) (string, error) {
		return "done", errors.Join(stepOf("a", new(string))(ctx), stepOf("b", new(string))(ctx))
	})
	require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.Equal(t, []string{"StepRun b"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{}).done("a", "a")))))
	require.Equal(t, [][]string{{"a"}, {"b"}}, batches(t, server), "each was tried once")
}

// The guards also work if a function continues after its steps.
func TestGuardsWithCheckpoints(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler func(ctx context.Context, in input) (string, error)
		status  int
		want    string
	}{
		"a done context": {func(ctx context.Context, _ input) (string, error) {
			ctx, cancel := context.WithCancel(ctx)
			_ = stepOf("a", new(string))(ctx)
			cancel()
			return "done", stepOf("b", new(string))(ctx)
		}, http.StatusInternalServerError, `step "b" was not started`},
		"a nested step": {func(ctx context.Context, _ input) (string, error) {
			_ = stepOf("a", new(string))(ctx)
			return step.Run(ctx, "b", func(ctx context.Context) (string, error) { return "", stepOf("c", new(string))(ctx) })
		}, http.StatusBadRequest, `step "c" was called inside the callback`},
		"a timeout that cannot be": {func(ctx context.Context, _ input) (string, error) {
			_ = stepOf("a", new(string))(ctx)
			return step.WaitForSignal[string](ctx, "b", "go")
		}, http.StatusBadRequest, `give step.Timeout`},
	} {
		t.Run(name, func(t *testing.T) {
			app, server := newCheckpointApp(t, http.StatusOK, tc.handler)
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, tc.status, resp.Status, "%s", resp.Body)
			require.Contains(t, message(t, resp), tc.want)
			require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))
		})
	}
}

// A step that fails ends the call. The steps before it are memoized and not run again.
func TestStepFailsAfterACheckpoint(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (string, error) {
		_ = stepOf("a", new(string))(ctx)
		_, err := step.Run(ctx, "b", func(context.Context) (string, error) { return "", errors.New("not yet") })
		return "went on", err
	})
	require.Equal(t, []string{"StepError b"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	require.Equal(t, []string{"StepRun a"}, checkpoints(t, server))

	app, _ = newCheckpointApp(t, http.StatusOK, func(ctx context.Context, _ input) (string, error) {
		_ = stepOf("a", new(string))(ctx)
		step.Sleep(ctx, "nap", time.Minute)
		return "went on", nil
	})
	require.Equal(t, []string{"Sleep nap"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
}
