package inngesthealth

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// Calls are counted by outcome.
func TestFunctionMetrics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fail error
		var takes time.Duration
		app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) {
			time.Sleep(takes)
			return nil, fail
		})
		h := install(t, app)
		never, ok := h.Function("process-order")
		require.True(t, ok)
		require.Equal(t, FunctionMetrics{ID: "process-order", Status: Healthy}, never)
		_, ok = h.Function("ship-order")
		require.False(t, ok)

		for _, call := range []struct {
			takes time.Duration
			fail  error
		}{
			{100 * time.Millisecond, nil},
			{200 * time.Millisecond, errors.New("geheim")},
			{3 * time.Second, inngestkit.NoRetry(errors.New("geheim"))},
			{200 * time.Millisecond, nil},
		} {
			takes, fail = call.takes, call.fail
			callOnce(t, app)
		}
		now := time.Now().UTC()
		m, _ := h.Function("process-order")
		require.Equal(t, FunctionMetrics{
			ID: "process-order", Status: Healthy,
			LastExecution: new(now.Truncate(time.Second)),
			LastSuccess:   new(now.Truncate(time.Second)),
			LastFailure:   new(now.Add(-200 * time.Millisecond).Truncate(time.Second)),
			Executions:    4, Successes: 2, Failures: 1, Retries: 1,
			FailureRate: 1.0 / 3, ErrorRate: 0.5,
			Durations: Durations{P50: 200 * time.Millisecond, P95: 3 * time.Second, Max: 3 * time.Second},
		}, m)
		require.Equal(t, []FunctionMetrics{m}, h.Functions())
	})
}

// A running call counts only as active.
func TestActive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { <-release; return nil, nil })
		h := install(t, app)
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { callOnce(t, app) })
		}
		synctest.Wait()
		m, _ := h.Function("process-order")
		require.Equal(t, int64(3), m.Active)
		require.Zero(t, m.Executions)
		require.Nil(t, m.LastExecution)
		close(release)
		calls.Wait()
		m, _ = h.Function("process-order")
		require.Zero(t, m.Active)
		require.Equal(t, uint64(3), m.Executions)
	})
}

// A failure of the last attempt ends the run, or the step.
func TestLastAttempt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		function func(ctx context.Context) (any, error)
		want     FunctionMetrics
	}{
		"function": {
			func(context.Context) (any, error) { return nil, errLost },
			FunctionMetrics{Failures: 1, FailureRate: 1, ErrorRate: 1},
		},
		"step": {
			func(ctx context.Context) (any, error) {
				return step.Run(ctx, "charge", func(context.Context) (any, error) { return nil, errLost })
			},
			FunctionMetrics{ErrorRate: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{}, tc.function)
			h := install(t, app)
			callAttempt(t, app, 1)
			m, _ := h.Function("process-order")
			require.Equal(t, tc.want, FunctionMetrics{
				Failures: m.Failures, Retries: m.Retries, FailureRate: m.FailureRate, ErrorRate: m.ErrorRate,
			})
		})
	}
}

// Setting the clock back does not lose counts.
func TestEpochs(t *testing.T) {
	t.Parallel()
	require.Equal(t, int64(windowSlots), epochOf(-time.Hour, time.Minute))
	require.Equal(t, int64(windowSlots), epochOf(0, time.Minute))
	require.Equal(t, int64(windowSlots+9), epochOf(time.Minute-1, time.Minute))
	require.Equal(t, int64(windowSlots+10), epochOf(time.Minute, time.Minute))
	h := install(t, newApp(t, inngestkit.Config{}, succeed))
	now := time.Now()
	require.Equal(t, h.epoch(now.Add(time.Hour)), h.epoch(now)+int64(time.Hour/(DefaultFailureWindow/windowSlots)))

	var w window
	w.count(windowSlots+5, runsBad)
	w.count(windowSlots+5-windowSlots, runsGood) // a late count, for an epoch whose slot has been reused
	require.Equal(t, uint64(1), w.sum(windowSlots + 5)[runsBad])
}

// A failed step counts as an error of its function, although the call yields without one.
func TestStepsCount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail error
		want FunctionMetrics
	}{
		"good":         {nil, FunctionMetrics{Executions: 1}},
		"tried again":  {errors.New("away"), FunctionMetrics{Executions: 1, Retries: 1, ErrorRate: 1}},
		"for all time": {inngestkit.NoRetry(errors.New("no")), FunctionMetrics{Executions: 1, ErrorRate: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
				return step.Run(ctx, "charge", func(context.Context) (any, error) { return nil, tc.fail })
			})
			h := install(t, app)
			callOnce(t, app)
			m, _ := h.Function("process-order")
			require.Equal(t, tc.want.Executions, m.Executions)
			require.Equal(t, tc.want.Retries, m.Retries)
			require.InDelta(t, tc.want.ErrorRate, m.ErrorRate, 0)
			good, bad := h.of(m.ID).recent.sum(h.epoch(time.Now()))[attemptsGood], h.of(m.ID).recent.sum(h.epoch(time.Now()))[attemptsBad]
			require.Equal(t, uint64(1), good+bad)
			require.Zero(t, m.Failures)
			require.Zero(t, m.FailureRate)
		})
	}
}

// A function is unhealthy while its runs fail, degraded while only attempts fail, and
// healthy again after the window.
func TestFunctionStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fail error
		app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, fail })
		h := install(t, app, WithFailureThreshold(0.5, 4, 10*time.Minute))
		status := func() FunctionStatus { m, _ := h.Function("process-order"); return m.Status }
		calls := func(n int, err error) {
			fail = err
			for range n {
				callOnce(t, app)
			}
		}
		retried, failed := errors.New("away"), inngestkit.NoRetry(errors.New("no"))
		calls(3, retried)
		require.Equal(t, Healthy, status(), "too few to tell")
		calls(1, retried)
		require.Equal(t, Degraded, status())
		require.Equal(t, StatusOK, h.Report().Status)
		calls(3, failed)
		require.Equal(t, Degraded, status(), "too few runs to tell")
		calls(1, failed)
		require.Equal(t, Unhealthy, status())
		require.Equal(t, Indicator{Status: Down, Message: "1 of 1 functions are unhealthy"}, h.Report().Error["functions"])
		require.NoError(t, h.Ready())
		calls(5, nil)
		require.Equal(t, Degraded, status(), "4 of 9 runs and 8 of 13 attempts")
		calls(4, nil)
		require.Equal(t, Healthy, status())
		calls(5, failed)
		require.Equal(t, Unhealthy, status(), "9 of 18 runs")
		time.Sleep(9 * time.Minute)
		require.Equal(t, Unhealthy, status())
		time.Sleep(time.Minute)
		require.Equal(t, Healthy, status())
		m, _ := h.Function("process-order")
		require.Zero(t, m.FailureRate)
		require.Equal(t, uint64(9), m.Failures)
		require.Equal(t, StatusOK, h.Report().Status)
	})
}

func TestNoFailureThreshold(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, inngestkit.NoRetry(errLost) })
	h := install(t, app, WithFailureThreshold(0, 1, time.Minute))
	callOnce(t, app)
	m, _ := h.Function("process-order")
	require.Equal(t, Healthy, m.Status)
	require.InDelta(t, 1, m.FailureRate, 0)
	require.Equal(t, StatusOK, h.Report().Status)
}

// A rate equal to the threshold counts, but only with enough runs or attempts.
func TestThresholds(t *testing.T) {
	t.Parallel()
	policy := failurePolicy{rate: 0.5, runs: 4}
	for name, tc := range map[string]struct {
		good, bad int // attempts
		runsToo   bool
		want      FunctionStatus
	}{
		"attempts below":  {3, 2, false, Healthy},
		"attempts at it":  {2, 2, false, Degraded},
		"attempts, few":   {0, 3, false, Healthy},
		"runs below":      {3, 2, true, Healthy},
		"runs at it":      {2, 2, true, Unhealthy},
		"runs, but a few": {0, 3, true, Healthy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w window
			for i := range tc.good + tc.bad {
				what := []tally{attemptsGood, runsGood}
				if i < tc.bad {
					what = []tally{attemptsBad, runsBad}
				}
				if !tc.runsToo {
					what = what[:1]
				}
				w.count(windowSlots, what...)
			}
			status, _, _ := policy.judge(&w, windowSlots)
			require.Equal(t, tc.want, status)
		})
	}
}

// The window drops its oldest slot as a whole and keeps the rest.
func TestWindow(t *testing.T) {
	t.Parallel()
	var w window
	const first = 1000
	for epoch := int64(first); epoch < first+windowSlots; epoch++ {
		w.count(epoch, runsGood)
	}
	last := int64(first + windowSlots - 1)
	require.Equal(t, uint64(windowSlots), w.sum(last)[runsGood])
	require.Equal(t, uint64(windowSlots-1), w.sum(last + 1)[runsGood], "before anything is counted in the next")
	w.count(last+1, runsBad)
	require.Equal(t, uint64(windowSlots-1), w.sum(last + 1)[runsGood])
	require.Equal(t, uint64(1), w.sum(last + 1)[runsBad])
	require.Zero(t, w.sum(last+1+windowSlots))
	require.Zero(t, w.sum(first-1), "a clock that goes back shows nothing of the future")
}

// Concurrent counts at a change of slots are not lost.
func TestWindowAtOnce(t *testing.T) {
	t.Parallel()
	var w window
	const workers, epochs, each = 8, 50, 100
	var done sync.WaitGroup
	for epoch := int64(1); epoch <= epochs; epoch++ {
		for range workers {
			done.Go(func() {
				for range each {
					w.count(epoch, attemptsGood)
				}
			})
		}
		done.Wait()
		require.Equal(t, uint64(min(epoch, windowSlots)*workers*each), w.sum(epoch)[attemptsGood])
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		count int
		want  Durations
	}{
		"none":    {0, Durations{}},
		"one":     {1, Durations{1, 1, 1}},
		"two":     {2, Durations{1, 2, 2}},
		"twenty":  {20, Durations{10, 19, 20}},
		"hundred": {100, Durations{50, 95, 100}},
		"all":     {maxSamples, Durations{256, 487, 512}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s samples
			for _, i := range rand.Perm(tc.count) {
				s.add(time.Duration(i + 1))
			}
			require.Equal(t, tc.want, s.summary())
		})
	}
	var s samples
	for i := range 3 * maxSamples {
		s.add(time.Duration(i))
	}
	require.Equal(t, time.Duration(3*maxSamples-1), s.summary().Max)
	require.Equal(t, time.Duration(2*maxSamples+255), s.summary().P50, "only the last ones")
}

// Metrics survive a round trip through JSON, as in the memoized result of a step.
func TestMetricsAsJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := FunctionMetrics{
		ID: "f", Status: Unhealthy, LastExecution: &at, LastFailure: &at, Executions: 3, Active: 1, Failures: 2,
		Successes: 4, Retries: 5, FailureRate: 0.25, ErrorRate: 0.125,
		Durations: Durations{P50: 12345 * time.Microsecond, P95: time.Second + 1, Max: time.Hour + 7},
	}
	raw, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"f","status":"unhealthy","lastExecution":"2026-01-02T03:04:05Z","lastSuccess":null,
		"lastFailure":"2026-01-02T03:04:05Z","executions":3,"active":1,"successes":4,"failures":2,"retries":5,
		"failureRate":0.25,"errorRate":0.125,"durationSeconds":{"p50":0.012345,"p95":1.000000001,"max":3600.000000007}}`, string(raw))
	var got FunctionMetrics
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, want, got)

	details := Details{
		System:    SystemMetrics{Goroutines: 7, HeapBytes: 8, MaxProcs: 2, Uptime: 90 * time.Minute},
		Functions: []FunctionMetrics{want},
	}
	raw, err = json.Marshal(details)
	require.NoError(t, err)
	var keys map[string]map[string]any
	_ = json.Unmarshal(raw, &keys)
	require.Equal(t, map[string]any{"uptimeSeconds": 5400.0, "goroutines": 7.0, "heapBytes": 8.0, "maxProcs": 2.0}, keys["system"])
	var back Details
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, details, back)
	raw, err = json.Marshal(details.System)
	require.NoError(t, err)
	var system SystemMetrics
	require.NoError(t, json.Unmarshal(raw, &system))
	require.Equal(t, details.System, system)
	for _, v := range []json.Unmarshaler{new(SystemMetrics), new(Durations)} {
		require.Error(t, v.UnmarshalJSON([]byte(`[]`)))
	}
}

// Concurrent calls and reports lose no counts.
func TestCountsAtOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, succeed)
	h := install(t, app)
	const callers, each = 8, 200
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				callOnce(t, app)
			}
		})
		all.Go(func() {
			for range each {
				m := h.DetailedReport().Details.Functions[0]
				if m.Successes < m.Failures || !slices.Contains([]FunctionStatus{Healthy}, m.Status) {
					t.Errorf("%+v", m)
				}
			}
		})
	}
	all.Wait()
	m, _ := h.Function("process-order")
	require.Equal(t, uint64(callers*each), m.Executions)
	require.Equal(t, uint64(callers*each), m.Successes)
	require.Zero(t, m.Active)
}
