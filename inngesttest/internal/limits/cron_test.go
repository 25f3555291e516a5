package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, from, want string }{
		{"* * * * *", "2026-03-02T09:00:00Z", "2026-03-02T09:01:00Z"},
		{"* * * * *", "2026-03-02T09:00:59.999Z", "2026-03-02T09:01:00Z"},
		{"0 9 * * *", "2026-03-02T09:00:00Z", "2026-03-03T09:00:00Z"},
		{"0 9 * * 1-5", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00Z"},
		{"0 9 * * MON", "2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"},
		{"0 0 13 * 5", "2026-03-02T09:00:00Z", "2026-03-06T00:00:00Z"}, // a Friday or a 13th
		{"0 0 29 2 *", "2026-03-02T09:00:00Z", "2028-02-29T00:00:00Z"},
		{"*/15 8-10 1,2 3 *", "2026-03-02T10:45:00Z", "2027-03-01T08:00:00Z"},
		{"TZ=Europe/Paris 0 9 * * *", "2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z"},
		{"CRON_TZ=Europe/Paris 0 9 * * *", "2026-03-02T07:00:00Z", "2026-03-02T08:00:00Z"},
		{"TZ=Europe/Paris 30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"}, // the clocks go forward
		{"TZ=Asia/Kolkata 0 0 * * *", "2026-03-02T09:00:00Z", "2026-03-02T18:30:00Z"},
		{"0 0 30 2 *", "2026-03-02T09:00:00Z", ""},
	} {
		schedule, err := ParseSchedule(test.text)
		require.NoError(t, err)
		from, err := time.Parse(time.RFC3339, test.from)
		require.NoError(t, err)
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("test", 3*3600)} {
			next, ok := schedule.Next(from.In(zone))
			require.Equal(t, test.want != "", ok, test.text)
			if ok {
				require.Equal(t, test.want, next.Format(time.RFC3339), test.text)
			}
		}
	}
}

// Schedules that the server refuses at a sync.
func TestParseScheduleRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "* * * *", "0 * * * * *", "@hourly", "@every 1h", "60 * * * *", "TZ=Nowhere * * * * *", "soon"} {
		_, err := ParseSchedule(text)
		require.ErrorContains(t, err, "it has five fields", "%q", text)
		require.ErrorContains(t, err, `schedule "`+text+`"`)
	}
}

func TestJitter(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Minute
	seen := map[time.Duration]bool{}
	for i := range 1_000 {
		seed := string(rune('a' + i))
		jitter := Jitter(version.Newest, seed, limit)
		require.GreaterOrEqual(t, jitter, time.Second)
		require.Less(t, jitter, limit)
		require.Equal(t, jitter, Jitter(version.Newest, seed, limit))
		seen[jitter] = true
	}
	require.Greater(t, len(seen), 990)
	require.Equal(t, time.Second, Jitter(version.Newest, "a", time.Second))
	require.Zero(t, Jitter(version.Newest, "a", 0))
	require.Zero(t, Jitter(version.Oldest, "a", limit))
}

func TestScheduledEvent(t *testing.T) {
	t.Parallel()
	schedule, err := ParseSchedule("TZ=Europe/Paris 0 9 * * *")
	require.NoError(t, err)
	at, ok := schedule.Next(start.Add(-2 * time.Hour))
	require.True(t, ok)
	require.Equal(t, ScheduledEvent{
		ID: "2026-03-02T08:00:00Z", Time: at.Add(90 * time.Second),
		Data: map[string]any{
			"cron":        "TZ=Europe/Paris 0 9 * * *",
			"scheduledAt": "2026-03-02T08:00:00Z",
			"fireAt":      "2026-03-02T08:01:30Z",
		},
	}, schedule.Event(version.Newest, at, 90*time.Second))
	require.Equal(t, ScheduledEvent{
		ID: "2026-03-02T08:00:00Z", Time: at,
		Data: map[string]any{"cron": "TZ=Europe/Paris 0 9 * * *"},
	}, schedule.Event(version.Oldest, at, 0))
}
