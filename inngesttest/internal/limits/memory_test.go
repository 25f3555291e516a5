package limits

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// 10,000 runs, one a minute and each with a key of its own, leave no more behind than the
// entries that still count.
func TestMemory(t *testing.T) {
	t.Parallel()
	const runs = 10_000
	rate := NewRateLimit(version.Newest, 3, time.Minute)
	throttles := []*Throttle{NewThrottle(version.Oldest, 3, 2, time.Minute), NewThrottle(version.Newest, 3, 2, time.Minute)}
	batches := []*Batches[int]{NewBatches[int](version.Oldest, 3, time.Second), NewBatches[int](version.Newest, 3, time.Second)}
	debounces := NewDebounces[int](2*time.Second, 3*time.Second)
	concurrency := NewConcurrency(version.Newest)
	semaphores := NewSemaphores(version.Newest)
	var singleton Singleton
	var idempotency Idempotency
	for i := range runs {
		key, now := strconv.Itoa(i), start.Add(time.Duration(i)*time.Minute)
		rate.Take(key, key, now)
		for _, throttle := range throttles {
			throttle.Take(key, key, now)
		}
		for _, b := range batches {
			require.Len(t, b.Due(now), min(i, 1))
			b.Add(key, key, 9, i, now)
			b.Due(now.Add(bufferTime))
		}
		require.Len(t, debounces.Due(now), min(i, 1))
		debounces.Add(key, i, now, now)
		_, ok := concurrency.Acquire(key, keyLimit(1, ConcurrencyScopeFn, "f", "x", key), fnLimit(1, "f"))
		require.True(t, ok)
		concurrency.Release(key)
		require.True(t, semaphores.Acquire(key, "f", key, 1, now))
		semaphores.Release(key)
		_, ok = singleton.Acquire(key, key)
		require.True(t, ok)
		singleton.Release(key)
		require.True(t, idempotency.Start("f", key, now))
	}
	for _, b := range batches {
		b.Due(start.Add(runs * time.Minute))
		require.Equal(t, []int{0, 0, 0, 0}, []int{len(b.buffers), len(b.flushes.heap), len(b.open), len(b.waiting.heap)})
		require.LessOrEqual(t, len(b.seen.entries), minSweep) // 30 count
	}
	debounces.Due(start.Add(runs * time.Minute))
	require.Equal(t, []int{0, 0}, []int{len(debounces.open), len(debounces.waiting.heap)})
	require.LessOrEqual(t, len(rate.tats.entries), minSweep)
	require.LessOrEqual(t, len(rate.accepted.entries), minSweep)
	for _, throttle := range throttles {
		require.LessOrEqual(t, len(throttle.tats.entries), minSweep)
		require.LessOrEqual(t, len(throttle.started.entries), minSweep)
	}
	require.Empty(t, concurrency.running)
	require.Empty(t, concurrency.limits)
	require.Empty(t, semaphores.used)
	require.Empty(t, semaphores.holders)
	require.Empty(t, singleton.runs)
	require.Empty(t, singleton.keys)
	require.LessOrEqual(t, len(idempotency.started.entries), 2*24*60) // a day's worth counts
}

// Entries that still count are never dropped.
func TestExpiringKeepsWhatCounts(t *testing.T) {
	t.Parallel()
	var e expiring[int]
	for i := range 1_000 {
		e.set(strconv.Itoa(i), i, after(100), start)
	}
	for i := range 1_000 {
		e.set(fmt.Sprint("short", i), i, after(2), after(1))
	}
	for i := range 1_000 {
		value, expires, ok := e.get(strconv.Itoa(i), after(99.9))
		require.True(t, ok)
		require.Equal(t, i, value)
		require.Equal(t, after(100), expires)
	}
	_, _, ok := e.get("1", after(100))
	require.False(t, ok)
}
