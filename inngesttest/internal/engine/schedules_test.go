package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestCron(t *testing.T) {
	t.Parallel()
	at := func(_ context.Context, in inngestkit.CronInput) (any, error) {
		return []any{in.Event.Data.Cron, in.Event.Name, in.Event.ID}, nil
	}
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v},
			inngestkit.OnCron("f", "0 9 * * 1-5", at),
			inngestkit.OnCron("paris", "0 9 * * *", at, inngestkit.TimeZone("Europe/Paris")),
			inngestkit.OnEvent("two", inngestkit.AnyOf(inngestkit.Cron("0 12 * * *"), inngestkit.Cron("0 */12 * * *")), at),
		)
		require.Empty(t, s.Runs())
		next, _ := s.Next()
		require.Equal(t, begin.Add(time.Hour), next)
		require.True(t, s.Idle(), "apart from schedules")
		s.pass(7 * 24 * time.Hour)
		require.Len(t, s.runsOf("f"), 5)
		require.Equal(t, time.Hour, s.starts("f")[0])
		require.JSONEq(t, `["0 9 * * 1-5","inngest/scheduled.timer","2030-01-07T09:00:00Z"]`, s.outputs("f")[0])
		require.Len(t, s.runsOf("paris"), 6+1)
		require.Equal(t, 24*time.Hour, s.starts("paris")[1]-s.starts("paris")[0])
		require.Len(t, s.runsOf("two"), 14, "schedules that fire at the same time start one run")
	})
}

func TestCronData(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }
	for v, want := range map[version.Version]string{
		version.Newest: `{"cron":"0 9 * * *","fireAt":"2030-01-07T09:00:00Z","scheduledAt":"2030-01-07T09:00:00Z"}`,
		version.Oldest: `{"cron":"0 9 * * *"}`,
	} {
		s := newSite(t, Config{Version: v}, inngestkit.OnCron("f", "0 9 * * *", nothing))
		s.pass(time.Hour)
		require.JSONEq(t, want, string(s.only("f").Events[0].Data))
	}
}

func TestScheduleThatFiresTooOften(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{}, inngestkit.OnCron("f", "* * * * *", func(context.Context, inngestkit.CronInput) (any, error) { return nil, nil }))
	s.cronLimit = 100
	s.AdvanceTo(t.Context(), begin.Add(110*time.Minute))
	require.Len(t, s.faults, 1)
	require.Contains(t, s.faults[0], "have started 100 runs while time advanced once")
	require.Len(t, s.rowsWith("returned"), 100)
	s.faults = nil
	s.pass(time.Minute)
	require.Len(t, s.rowsWith("returned"), 101)
}

// rowsWith returns the rows whose text contains a text.
func (s *site) rowsWith(text string) (rows []Row) {
	for _, r := range s.rows {
		if strings.Contains(r.Text, text) {
			rows = append(rows, r)
		}
	}
	return rows
}

// The newest server treats a scheduled run that may not start as a failed job, and plans no
// other run until it has started.
func TestScheduleUnderASingleton(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, v version.Version) {
		s := newSite(t, Config{Version: v}, inngestkit.OnCron("f", "0 * * * *",
			func(ctx context.Context, _ inngestkit.CronInput) (any, error) {
				step.Sleep(ctx, "sleep", 90*time.Minute)
				return nil, nil
			}, flow.Singleton(flow.SingletonSkip)))
		s.pass(3*time.Hour + 30*time.Minute)
		starts := s.starts("f")
		require.Equal(t, time.Hour, starts[0])
		if v == version.Oldest {
			require.Equal(t, []time.Duration{time.Hour, 3 * time.Hour}, starts)
			return
		}
		require.Greater(t, starts[1], 2*time.Hour+30*time.Minute)
		require.Less(t, starts[1], 3*time.Hour)
		s.says("the server tries to start the run of the schedule")
	})
}
