package inngestkit_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo/pkg/checkpoint"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// After a refusal, results are sent one by one until the server accepts one again, so a
// response has at most one. A server without the API gets no checkpoints for a minute.
func TestCheckpointsAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var api memoryAPI
		var status atomic.Int32
		app := api.app(t, func() (*http.Response, error) { return answered(int(status.Load()), "")() },
			onSignUp(sequence("a", "b", "c"), flow.Checkpoint(flow.BatchSteps(3))))
		for i, call := range []struct {
			status int
			wait   time.Duration
			sent   [][]string
			want   []string // in the response; nil if the function has ended
		}{
			{http.StatusRequestEntityTooLarge, 0, [][]string{{"a", "b", "c"}}, []string{"StepRun a", "StepRun b", "StepRun c"}},
			{http.StatusRequestEntityTooLarge, 0, [][]string{{"a"}}, []string{"StepRun a"}},
			{http.StatusOK, 0, [][]string{{"a"}, {"b"}, {"c"}}, nil},
			{http.StatusNotFound, 0, [][]string{{"a", "b", "c"}}, []string{"StepRun a", "StepRun b", "StepRun c"}},
			{http.StatusNotFound, 0, nil, []string{"StepRun a"}},
			{http.StatusNotFound, 2 * time.Minute, [][]string{{"a"}}, []string{"StepRun a"}},
			{http.StatusOK, 0, nil, []string{"StepRun a"}},
			{http.StatusOK, 2 * time.Minute, [][]string{{"a"}, {"b"}, {"c"}}, nil},
			{http.StatusOK, 0, [][]string{{"a", "b", "c"}}, nil},
		} {
			time.Sleep(call.wait)
			status.Store(int32(call.status))
			before := len(api.seen())
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			var sent [][]string
			for _, s := range api.seen()[before:] {
				sent = append(sent, s.steps)
			}
			require.Equal(t, call.sent, sent, "call %d", i)
			if call.want == nil {
				require.Equal(t, `"done"`, string(resp.Body), "call %d", i)
				continue
			}
			require.Equal(t, call.want, listed(ops(t, resp)), "call %d", i)
		}
	})
}

// Large results are sent early: a response with everything that is unsent must not exceed
// what the server accepts.
func TestLargeResultsAreSentEarly(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{http.StatusOK: `"done"`, http.StatusBadRequest: ""} {
		app, server := newCheckpointing(t, status, checkpoint.Config{BatchSteps: 100}, func(ctx context.Context, _ input) (string, error) {
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				if _, err := step.Run(ctx, id, func(context.Context) (string, error) { return strings.Repeat("x", 2<<20), nil }); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		if want != "" {
			require.Equal(t, want, string(resp.Body))
			require.Equal(t, [][]string{{"a", "b"}, {"c", "d"}, {"e"}}, batches(t, server))
			continue
		}
		require.Equal(t, []string{"StepRun a", "StepRun b"}, listed(ops(t, resp)))
	}
}

// A server without the API does not get the results of the SDK's own steps either.
func TestCheckpointsOfTheSDKAfterARefusal(t *testing.T) {
	t.Parallel()
	app, server := newCheckpointing(t, http.StatusNotFound, checkpoint.Config{BatchSteps: 10}, func(ctx context.Context, _ input) (string, error) {
		_, err := sdkstep.Run(ctx, "a", func(context.Context) (string, error) { return "a", nil })
		return "done", err
	})
	for range 3 {
		require.Equal(t, []string{"StepRun a"}, listed(ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))))
	}
	require.Len(t, batches(t, server), 1)
}
