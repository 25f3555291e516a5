package limits

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// The rows with an early second event were measured on both servers: they accept it after
// the whole seconds of the spacing, when Redis forgets the first one. (2.7 s refused and
// 3.25 s accepted for 3 per 10 s; 3.5 s accepted for 3 per 11 s; 4 of 6 at once and another
// at 3 s for 30 per 60 s.)
func TestRateLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit  int
		period time.Duration
		events []float64
		passed []float64
	}{
		{1, 10 * time.Second, []float64{0, 5, 9.999, 10, 19, 20}, []float64{0, 10, 20}},
		{3, 10 * time.Second, []float64{0, 0, 2.7, 2.999, 3}, []float64{0, 3}},
		{3, 11 * time.Second, []float64{0, 0, 2.9, 3.5}, []float64{0, 3.5}},
		{9, 9 * time.Second, []float64{0, 0, 0.5, 1, 1, 2}, []float64{0, 1, 2}},
		{10, 10 * time.Second, []float64{0, 0, 0, 0.9, 1, 1, 2}, []float64{0, 0, 1, 2}},
		{30, 60 * time.Second, []float64{0, 0, 0, 0, 0, 0, 3, 3, 3}, []float64{0, 0, 0, 0, 3}},
		{100, 10 * time.Second, []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.1}, []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.1}},
		{10, time.Second, []float64{0, 0.9, 0.9, 0.9, 0.9}, []float64{0, 0.9, 0.9}}, // an allowance that grows only so far
		{0, 10 * time.Second, []float64{0, 5, 10}, []float64{0, 10}},
		{1, 24 * time.Hour, []float64{0, 86_399, 86_400}, []float64{0, 86_400}},
	}
	for _, v := range versions {
		for _, test := range tests {
			limit := NewRateLimit(v, test.limit, test.period)
			var passed []float64
			for i, at := range test.events {
				ok, retryAt := limit.Take("k", strconv.Itoa(i), after(at))
				if ok {
					passed = append(passed, at)
					require.Zero(t, retryAt)
				}
			}
			require.Equal(t, test.passed, passed, "%s: %d per %s", v, test.limit, test.period)
		}
	}
}

// A refused event is told when the next one is accepted, and that is true.
func TestRateLimitRetryAt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit int
		retry float64
	}{{1, 10}, {2, 5}, {3, 3}, {10, 1}, {30, 0.333}} {
		fresh := func() *RateLimit {
			limit := NewRateLimit(version.Newest, test.limit, 10*time.Second)
			for i := range 1 + test.limit/10 {
				ok, _ := limit.Take("k", strconv.Itoa(i), start)
				require.True(t, ok)
			}
			return limit
		}
		ok, retryAt := fresh().Take("k", "next", start)
		require.False(t, ok)
		require.InDelta(t, test.retry, seconds(retryAt), 0.001, "limit %d", test.limit)
		ok, _ = fresh().Take("k", "next", retryAt)
		require.True(t, ok, "limit %d", test.limit)
		ok, _ = fresh().Take("k", "next", retryAt.Add(-time.Millisecond))
		require.False(t, ok, "limit %d", test.limit)
	}
}

func TestRateLimitKeysAreApart(t *testing.T) {
	t.Parallel()
	limit := NewRateLimit(version.Newest, 1, time.Hour)
	for key, want := range map[string]bool{"a": true, "b": true, "": true} {
		ok, _ := limit.Take(key, key, start)
		require.Equal(t, want, ok)
	}
	ok, _ := limit.Take("a", "another", start)
	require.False(t, ok)
}

// The newest server does not count an event ID again within 30 minutes of accepting it, and
// counts one again that it has refused. Measured with 1 per 4 s, the same ID at 0 and 4.3 s
// and another at 4.6 s: v1.43.0 starts a run for the other, v1.12.1 drops it.
func TestRateLimitRepeatedEvent(t *testing.T) {
	t.Parallel()
	newest, oldest := NewRateLimit(version.Newest, 1, time.Minute), NewRateLimit(version.Oldest, 1, time.Minute)
	for _, limit := range []*RateLimit{newest, oldest} {
		ok, _ := limit.Take("k", "id", start)
		require.True(t, ok)
		ok, _ = limit.Take("k", "refused", start)
		require.False(t, ok)
		ok, _ = limit.Take("k", "refused", start)
		require.False(t, ok)
	}
	ok, _ := newest.Take("k", "id", after(1))
	require.True(t, ok)
	ok, _ = oldest.Take("k", "id", after(1))
	require.False(t, ok)

	ok, _ = newest.Take("k", "other", after(30*60-1))
	require.True(t, ok)
	ok, _ = newest.Take("k", "id", after(30*60-1))
	require.True(t, ok, "still known")
	ok, _ = newest.Take("k", "id", after(30*60))
	require.False(t, ok, "forgotten, and counted")
}

func TestIdempotencyOption(t *testing.T) {
	t.Parallel()
	option := NewIdempotencyOption(version.Newest)
	var passed []float64
	for i, hour := range []float64{0, 1, 23.99, 24, 25, 48} {
		if ok, _ := option.Take("order", strconv.Itoa(i), after(hour*3600)); ok {
			passed = append(passed, hour)
		}
	}
	require.Equal(t, []float64{0, 24, 48}, passed)
}
