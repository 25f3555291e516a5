package limits

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// startAll starts n waiting runs as soon as the throttle lets them, from now on.
func startAll(throttle *Throttle, n int, prefix string, now time.Time) (starts []float64) {
	for i := range n {
		for {
			ok, retryAt := throttle.Take("k", fmt.Sprint(prefix, i), now)
			if ok {
				break
			}
			now = retryAt
		}
		starts = append(starts, seconds(now))
	}
	return starts
}

// Measured on both servers with a period of 6 s: 14 runs at once. v1.12.1: limit 1 burst 0
// or 1: at 0, 6, 12 s; limit 1 burst 3: three at 0, 6, 12 and 18 s; limit 3 burst 0 or 1:
// three at 0 s, and then one each 2 s; limit 3 burst 3: nine at 0 s, and then one each 2 s.
// v1.43.0: limit + burst at 0 s, and then one each period/limit. (On v1.12.1's in-memory
// Redis, whose clock moves in steps of 150 ms, limit 1 burst 3 lets just one run start in
// some periods.)
func TestThrottle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit, burst   int
		oldest, newest []float64
	}{
		{1, 0, []float64{0, 6, 12, 18}, []float64{0, 6, 12, 18}},
		{1, 1, []float64{0, 6, 12, 18}, []float64{0, 0, 6, 12, 18}},
		{1, 3, []float64{0, 0, 0, 6, 6, 6, 12, 12, 12, 18}, []float64{0, 0, 0, 0, 6, 12, 18}},
		{3, 0, []float64{0, 0, 0, 2, 4, 6, 8}, []float64{0, 0, 0, 2, 4, 6, 8}},
		{3, 1, []float64{0, 0, 0, 2, 4, 6, 8}, []float64{0, 0, 0, 0, 2, 4, 6, 8}},
		{3, 3, []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 6}, []float64{0, 0, 0, 0, 0, 0, 2, 4, 6}},
		{0, 0, []float64{0, 6}, []float64{0, 6}},
	}
	for _, test := range tests {
		for v, want := range map[version.Version][]float64{version.Oldest: test.oldest, version.Newest: test.newest} {
			throttle := NewThrottle(v, test.limit, test.burst, 6*time.Second)
			require.Equal(t, want, startAll(throttle, len(want), "", start), "%s: limit %d burst %d", v, test.limit, test.burst)
		}
	}
}

// Measured with a period of 6 s: limit runs at 0 s, 14 more at 7.5 s. Both servers have the
// full allowance again after a quiet time.
func TestThrottleAfterAQuietTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit, burst   int
		oldest, newest []float64
	}{
		{1, 0, []float64{7.5, 13.5}, []float64{7.5, 13.5}},
		{1, 3, []float64{7.5, 7.5, 7.5, 13.5, 13.5}, []float64{7.5, 7.5, 7.5, 7.5, 13.5}},
		{3, 0, []float64{7.5, 7.5, 7.5, 9.5, 11.5}, []float64{7.5, 7.5, 7.5, 9.5, 11.5}},
		{3, 1, []float64{7.5, 7.5, 7.5, 9.5}, []float64{7.5, 7.5, 7.5, 7.5, 9.5}},
	}
	for _, test := range tests {
		for v, want := range map[version.Version][]float64{version.Oldest: test.oldest, version.Newest: test.newest} {
			throttle := NewThrottle(v, test.limit, test.burst, 6*time.Second)
			startAll(throttle, test.limit, "first", start)
			require.Equal(t, want, startAll(throttle, len(want), "", after(7.5)), "%s: limit %d burst %d", v, test.limit, test.burst)
		}
	}
}

// The fraction of a period does not count.
func TestThrottlePeriodInWholeSeconds(t *testing.T) {
	t.Parallel()
	for _, v := range versions {
		throttle := NewThrottle(v, 1, 0, 2900*time.Millisecond)
		require.Equal(t, []float64{0, 2, 4}, startAll(throttle, 3, "", start), "%s", v)
	}
}

// Measured with limit 1 per 8 s, two runs whose first attempt fails, retries after 1 or 7 s:
// v1.12.1 attempts run 1 at 0 s, run 2 at 8 s, run 1 again at 16 s, run 2 again at 24 s;
// v1.43.0 run 1 at 0 and 7 s, run 2 at 8 and 15 s.
func TestThrottleRetries(t *testing.T) {
	t.Parallel()
	attempt := func(throttle *Throttle, run string, at float64) (ok bool, retryAt float64) {
		ok, retry := throttle.Take("k", run, after(at))
		if !ok {
			retryAt = seconds(retry)
		}
		return ok, retryAt
	}
	for _, v := range versions {
		throttle := NewThrottle(v, 1, 0, 8*time.Second)
		ok, _ := attempt(throttle, "1", 0)
		require.True(t, ok)
		ok, retryAt := attempt(throttle, "1", 7)
		require.Equal(t, v == version.Newest, ok, "%s", v)
		if v == version.Oldest {
			require.InDelta(t, 8, retryAt, 0)
		}
		ok, retryAt = attempt(throttle, "2", 7)
		require.False(t, ok)
		require.InDelta(t, 8, retryAt, 0)
	}

	// The newest server forgets a run 5 minutes after its last attempt.
	throttle := NewThrottle(version.Newest, 1, 0, time.Hour)
	for _, at := range []float64{0, 299, 598} {
		ok, _ := attempt(throttle, "1", at)
		require.True(t, ok, "at %v s", at)
	}
	ok, retryAt := attempt(throttle, "1", 898)
	require.False(t, ok)
	require.InDelta(t, 3600, retryAt, 0)
}
