package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	want := []string{"15s", "30s", "1m0s", "2m0s", "5m0s", "10m0s", "20m0s", "40m0s", "1h0m0s", "2h0m0s", "2h0m0s", "2h0m0s"}
	for attempt, wait := range want {
		require.Equal(t, wait, Backoff(attempt, nil).String(), "attempt %d", attempt)
	}
	require.Equal(t, 2*time.Hour, Backoff(1_000, nil))
}

// The jitter is at most 29.999 s, in whole milliseconds.
func TestBackoffJitter(t *testing.T) {
	t.Parallel()
	longest := func(limit time.Duration) time.Duration { return limit - 1 }
	require.Equal(t, 15*time.Second+29_999*time.Millisecond, Backoff(0, longest))
	fixed := func(d time.Duration) func(time.Duration) time.Duration {
		return func(time.Duration) time.Duration { return d }
	}
	require.Equal(t, 30*time.Second+1234*time.Millisecond, Backoff(1, fixed(1234567*time.Microsecond)))
	require.Equal(t, 30*time.Second, Backoff(1, fixed(0)))
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := start.Add(400 * time.Millisecond)
	for header, want := range map[string]string{
		"1":       "09:00:01", // counted from the whole second
		"30":      "09:00:30",
		"0000030": "09:00:30",
		"+30":     "09:00:30",
		"86400":   "+24h",
		"86401":   "+24h",
		"9999999": "+24h",
		// Neither too long for seconds nor a date.
		"00000030": "",
		"0":        "",
		"-5":       "",
		"1.5":      "",
		" 30":      "",
		"":         "",
		"soon":     "",
		// Dates.
		"2026-03-02T09:05:00Z":            "09:05:00",
		"2026-03-02T10:05:00+01:00":       "09:05:00",
		"2026-03-02T09:05:00.75Z":         "09:05:00.75",
		"2026-03-02T09:05:00":             "09:05:00",
		"Mon, 02 Mar 2026 09:05:00 GMT":   "09:05:00",
		"02 Mar 26 09:05 UTC":             "09:05:00",
		"02 Mar 26 10:05 +0100":           "09:05:00",
		"Monday, 02-Mar-26 09:05:00 UTC":  "09:05:00",
		"Mon Mar 02 09:05:00 +0000 2026":  "09:05:00",
		"Mon Mar  2 09:05:00 UTC 2026":    "09:05:00",
		"Mon Mar  2 09:05:00 2026":        "09:05:00",
		"2026-03-03":                      "24:00:00",
		"2026-03-04":                      "+24h",
		"2027-03-04":                      "+24h",
		"2026-03-02T09:00:00Z":            "09:00:01", // past
		"2026-03-02T09:00:01Z":            "09:00:01",
		"2026-03-02T09:00:00.9Z":          "09:00:01", // too soon
		"2026-03-02":                      "09:00:01",
		"Mar  2 09:05:00":                 "09:00:01", // of the year 0
		"Mon, 02 Mar 2026 09:05:00 +0000": "09:05:00",
	} {
		at, ok := RetryAfter(header, now)
		var expected time.Time
		switch want {
		case "":
		case "+24h":
			expected = start.Add(24 * time.Hour)
		case "24:00:00":
			expected = start.Add(15 * time.Hour)
		default:
			clock, err := time.Parse("15:04:05", want)
			require.NoError(t, err)
			expected = start.Truncate(24 * time.Hour).Add(clock.Sub(clock.Truncate(24 * time.Hour)))
		}
		require.Equal(t, want != "", ok, "%q", header)
		require.True(t, expected.Equal(at), "%q: %s", header, at)
	}
}

// A wait is measured from now, and its limits from the whole second before it.
func TestRetryAfterLimits(t *testing.T) {
	t.Parallel()
	now := start.Add(999 * time.Millisecond)
	at, ok := RetryAfter("1", now)
	require.True(t, ok)
	require.Equal(t, time.Millisecond, at.Sub(now))
	at, ok = RetryAfter("2", now)
	require.True(t, ok)
	require.Equal(t, 1001*time.Millisecond, at.Sub(now))
	at, ok = RetryAfter(start.Add(24*time.Hour+900*time.Millisecond).Format(time.RFC3339Nano), now)
	require.True(t, ok)
	require.Equal(t, start.Add(24*time.Hour+900*time.Millisecond), at)
}
