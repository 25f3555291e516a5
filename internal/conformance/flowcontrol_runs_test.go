package conformance

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// lasts returns a function whose runs are in the gauge from their first step to their last,
// asleep in between: the limit applies to runs, not to calls.
func lasts(gauges ...func(input) *gauge) func(context.Context, input) (any, error) {
	return func(ctx context.Context, in input) (any, error) {
		count := func(id string, n int) error {
			_, err := step.Run(ctx, id, func(context.Context) (any, error) {
				for _, g := range gauges {
					g(in).add(n)
				}
				return nil, nil
			})
			return err
		}
		if err := count("enter", 1); err != nil {
			return nil, err
		}
		step.Sleep(ctx, "stay", time.Second)
		return nil, count("leave", -1)
	}
}

// Servers apply limits on runs from v1.18 on. The oldest ignores them: all runs end, without
// a limit.
func TestFnConcurrency(t *testing.T) {
	t.Parallel()
	var two, all gauge
	of := map[string]*gauge{"a": {}, "b": {}}
	server := testsite.NewServer(t)
	limitedRuns, keyedRuns := userEvent("runs/limited"), userEvent("runs/keyed")
	s := &site{serve(t, server, adapters[0], "runs", "",
		inngestkit.OnEvent("limited", limitedRuns, lasts(func(input) *gauge { return &two }), flow.FnConcurrency(2)),
		inngestkit.OnEvent("keyed", keyedRuns, lasts(func(input) *gauge { return &all }, func(in input) *gauge { return of[in.Event.Data.ID] }),
			flow.FnConcurrency(1, flow.Key("event.data.id"))),
	), server}
	t.Run("2 runs at a time", func(t *testing.T) {
		t.Parallel()
		completed(t, s.allEnded(t, s.sendAll(t, limitedRuns, make([]user, 6)...)...))
		if !oldest(server) {
			require.Equal(t, 2, two.peak())
		}
	})
	t.Run("one for each key", func(t *testing.T) {
		t.Parallel()
		a, b := user{ID: "a"}, user{ID: "b"}
		completed(t, s.allEnded(t, s.sendAll(t, keyedRuns, a, b, a, b, a, b)...))
		if !oldest(server) {
			require.Equal(t, []int{2, 1, 1}, []int{all.peak(), of["a"].peak(), of["b"].peak()})
		}
	})
}

// Servers from v1.18 on delay a schedule with Jitter by between a second and its duration;
// the oldest ignores it.
func TestJitter(t *testing.T) {
	t.Parallel()
	const jitter = 10 * time.Second
	server := testsite.NewServer(t)
	var called order
	serve(t, server, adapters[0], "jitter", "", inngestkit.OnCron("late", "* * * * *",
		func(_ context.Context, in inngestkit.CronInput) (inngestkit.CronData, error) {
			called.add("")
			return in.Event.Data, nil
		}, inngestkit.Jitter(jitter)))
	runs, err := server.AwaitRunsOf(testsite.WithinTime(t, longTimeout), "jitter-late", 1)
	require.NoError(t, err)
	var data inngestkit.CronData
	require.NoError(t, json.Unmarshal(runs[0].Output, &data), "%s", runs[0])
	require.Equal(t, "* * * * *", data.Cron)
	if oldest(server) {
		require.Zero(t, data.FireAt)
		return
	}
	require.Zero(t, data.ScheduledAt.Second())
	late := data.FireAt.Sub(data.ScheduledAt)
	require.GreaterOrEqual(t, late, time.Second)
	require.LessOrEqual(t, late, jitter)
	_, times := called.all()
	require.False(t, times[0].Before(data.FireAt), "%s before %s", times[0], data.FireAt)
}
