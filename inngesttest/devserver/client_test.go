package devserver

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunsOfAnEvent(t *testing.T) {
	t.Parallel()
	app := startFakeApp(t, map[string]fakeFunction{
		"good": {trigger: onEvent("shop/order"), answer: always(200, map[string]any{"total": 7})},
		"bad": {trigger: onEvent("shop/order"), answer: always(500, map[string]any{
			"name": "Error", "message": "no such order",
		})},
	})
	s := app.serverFor(Config{})
	ctx := testContext(t)

	id, err := s.Send(ctx, "shop/order", map[string]any{"order": 1})
	require.NoError(t, err)
	runs, err := s.AwaitRuns(ctx, id, 2)
	require.NoError(t, err)
	require.Len(t, runs, 2)

	byFunction := map[string]Run{}
	for _, run := range runs {
		require.True(t, run.Ended(), run)
		require.Equal(t, id, run.EventID)
		require.NotEmpty(t, run.FunctionID)
		require.WithinDuration(t, time.Now(), run.StartedAt, time.Minute)
		require.False(t, run.EndedAt.Before(run.StartedAt.Truncate(time.Second)), run)
		byFunction[run.Function] = run
	}
	good, bad := byFunction["fake-good"], byFunction["fake-bad"]
	require.Equal(t, RunCompleted, good.Status)
	require.JSONEq(t, `{"total":7}`, string(good.Output))
	require.Equal(t, RunFailed, bad.Status)
	require.Contains(t, string(bad.Output), "no such order")

	one, err := s.Run(ctx, good.RunID)
	require.NoError(t, err)
	require.Equal(t, good, one)

	_, err = s.AwaitRunsOf(ctx, "fake-good", 1) // the server lists the run later
	require.NoError(t, err)
	of, err := s.RunsOf(ctx, "fake-good")
	require.NoError(t, err)
	require.Len(t, of, 1)
	require.Equal(t, good.RunID, of[0].RunID)
	require.Equal(t, id, of[0].EventID)
	require.Equal(t, RunCompleted, of[0].Status)
	require.JSONEq(t, string(good.Output), string(of[0].Output))
	of, err = s.AwaitRunsOf(ctx, "fake-bad", 1)
	require.NoError(t, err)
	require.Equal(t, RunFailed, of[0].Status)
}

// The server caches the runs of an event for 15 s. Without a unique URL for each call, the
// end of a run would be noticed that much later.
func TestAwaitRunsIsNotHeldUpByTheServersCache(t *testing.T) {
	t.Parallel()
	var release atomic.Bool
	app := startFakeApp(t, map[string]fakeFunction{
		"slow": {trigger: onEvent("slow"), retries: 10, answer: func() (int, any) {
			if !release.Load() {
				return 500, "not yet"
			}
			return 200, "done"
		}},
	})
	s := app.serverFor(Config{RetryInterval: time.Second})
	ctx := testContext(t)
	id, err := s.Send(ctx, "slow", nil)
	require.NoError(t, err)

	require.Eventually(t, func() bool { // the response that would be cached
		runs, err := s.Runs(ctx, id)
		return err == nil && len(runs) == 1 && !runs[0].Ended() && runs[0].Output == nil
	}, 10*time.Second, pollEvery)
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = s.AwaitRuns(short, id, 1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "of fake-slow: Running")

	release.Store(true)
	start := time.Now()
	_, err = s.AwaitRuns(ctx, id, 1)
	require.NoError(t, err)
	require.Less(t, time.Since(start), 10*time.Second)
}

func TestFunctionsAndApps(t *testing.T) {
	t.Parallel()
	app := startFakeApp(t, map[string]fakeFunction{
		"b": {trigger: onEvent("x"), retries: 7, answer: always(200, nil)},
		"a": {trigger: onEvent("y"), answer: always(200, nil)},
	})
	s := app.serverFor(Config{})
	ctx := testContext(t)

	functions, err := s.Functions(ctx)
	require.NoError(t, err)
	require.Len(t, functions, 2)
	require.Equal(t, "fake-a", functions[0].Slug)
	require.Equal(t, "The b", functions[1].Name)
	var config struct {
		Steps []struct {
			Retries int `json:"retries"`
		} `json:"steps"`
	}
	require.NoError(t, json.Unmarshal(functions[1].Config, &config))
	require.Equal(t, 7, config.Steps[0].Retries)

	apps, err := s.Apps(ctx)
	require.NoError(t, err)
	require.Len(t, apps, 1)
	require.Equal(t, localhostURL(app.url()), apps[0].URL)
	require.Equal(t, fakeAppName, apps[0].Name)
	require.Empty(t, apps[0].Error)
}

func TestRunsOfASchedule(t *testing.T) {
	t.Parallel()
	app := startFakeApp(t, map[string]fakeFunction{
		"tick": {trigger: map[string]any{"cron": "* * * * *"}, answer: always(200, "tock")},
	})
	s := app.serverFor(Config{})
	// A minute is the shortest interval of a schedule.
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	runs, err := s.AwaitRunsOf(ctx, "fake-tick", 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Equal(t, RunCompleted, runs[0].Status)
	require.JSONEq(t, `"tock"`, string(runs[0].Output))
}

func TestCancel(t *testing.T) {
	t.Parallel()
	app := startFakeApp(t, map[string]fakeFunction{
		"stuck": {trigger: onEvent("stuck"), retries: 10, answer: always(500, "again")},
	})
	s := app.serverFor(Config{RetryInterval: time.Minute})
	ctx := testContext(t)
	id, err := s.Send(ctx, "stuck", nil)
	require.NoError(t, err)
	var runs []Run
	require.Eventually(t, func() bool {
		runs, err = s.Runs(ctx, id)
		return err == nil && len(runs) == 1
	}, 10*time.Second, pollEvery)
	require.NoError(t, s.Cancel(ctx, runs[0].RunID))
	runs, err = s.AwaitRuns(ctx, id, 1)
	require.NoError(t, err)
	require.Equal(t, RunCancelled, runs[0].Status)
}

func TestWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	s := New(t, Config{})
	ctx := testContext(t)

	_, err := s.Send(ctx, "", nil)
	var status *StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusBadRequest, status.Status)
	require.ErrorContains(t, err, "name")

	_, err = s.Runs(ctx, "no-ulid")
	require.ErrorAs(t, err, &status)

	_, err = s.RunsOf(ctx, "nobody")
	require.ErrorContains(t, err, `no function with the slug "nobody"`)

	require.ErrorContains(t, s.GraphQL(ctx, "{ nonsense }", nil, nil), "nonsense")

	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	err = s.AwaitFunctions(short, "missing-one")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "missing-one")

	require.NoError(t, s.Stop())
	_, err = s.Send(ctx, "x", nil)
	require.ErrorContains(t, err, "the server has ended")
	_, err = s.AwaitRuns(ctx, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1)
	require.ErrorContains(t, err, "the server has ended")
}

func TestAwaitFunctionsNamesTheSyncError(t *testing.T) {
	t.Parallel()
	s := New(t, Config{AppURLs: []string{"http://127.0.0.1:1/api/inngest"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := s.AwaitFunctions(ctx, "fake-a")
	require.ErrorContains(t, err, "app http://localhost:1/api/inngest: ")
}

func TestWhatTheServerHidesBehindStatus200(t *testing.T) {
	t.Parallel()
	s := New(t, Config{})
	var status *StatusError
	_, err := s.Run(testContext(t), "01ARZ3NDEKTSV4RRFFQ69G5FAV")
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusInternalServerError, status.Status)
	_, err = s.Runs(testContext(t), "no-ulid")
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusBadRequest, status.Status)
}
