package devserver

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A run fails in a step, retries, sleeps and waits for an event. An event sent after
// AwaitStep has returned is not missed.
func TestStepsOfARun(t *testing.T) {
	t.Parallel()
	op := func(kind, id string, more map[string]any) []any {
		o := map[string]any{"op": kind, "id": id, "name": id}
		maps.Copy(o, more)
		return []any{o}
	}
	var calls atomic.Int32
	app := startFakeApp(t, map[string]fakeFunction{"waits": {trigger: onEvent("asked"), retries: 3, answer: func() (int, any) {
		switch calls.Add(1) {
		case 1:
			return 206, op("StepError", "flaky", map[string]any{"error": map[string]any{"name": "Error", "message": "not yet"}})
		case 2:
			return 206, op("StepRun", "flaky", map[string]any{"data": "done"})
		case 3:
			return 206, op("Sleep", "nap", map[string]any{"name": "1s", "displayName": "nap", "opts": map[string]any{"duration": "1s"}})
		case 4:
			return 206, op("WaitForEvent", "answer", map[string]any{"opts": map[string]any{"event": "answered", "timeout": "1h"}})
		default:
			return 200, "over"
		}
	}}})
	s := app.serverFor(Config{RetryInterval: time.Second})
	ctx := testContext(t)
	id, err := s.Send(ctx, "asked", nil)
	require.NoError(t, err)

	waiting, err := s.AwaitStep(ctx, id, "answer")
	require.NoError(t, err)
	require.Equal(t, "fake-waits", waiting.Function)
	require.False(t, waiting.Ended())
	_, err = s.Send(ctx, "answered", nil)
	require.NoError(t, err)
	runs, err := s.AwaitRuns(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, RunCompleted, runs[0].Status)

	want := []Step{{"flaky", "COMPLETED", 2}, {"nap", "COMPLETED", 1}, {"answer", "COMPLETED", 1}}
	require.Eventually(t, func() bool { // the server writes the trace later
		steps, err := s.Steps(ctx, waiting.RunID)
		require.NoError(t, err)
		return slices.Equal(steps, want)
	}, 10*time.Second, pollEvery)

	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err = s.AwaitStep(short, id, "never")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, `the step "never"`)
	require.ErrorContains(t, err, "of fake-waits: Completed")
}
