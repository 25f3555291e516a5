package limits

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// batchRun adds events at their times and returns when which batch starts: "8.5: a b".
type batchRun struct {
	t       *testing.T
	batches *Batches[string]
	starts  []string
}

func (r *batchRun) started(at time.Time, batches []Batch[string]) {
	for _, b := range batches {
		r.starts = append(r.starts, fmt.Sprintf("%v: %s", seconds(at), strings.Join(b.Events, " ")))
	}
}

// until lets time pass up to at.
func (r *batchRun) until(at time.Time) {
	for due, ok := r.batches.Next(); ok && !due.After(at); due, ok = r.batches.Next() {
		started := r.batches.Due(due)
		r.started(due, started)
		next, more := r.batches.Next()
		require.True(r.t, !more || next.After(due), "Next repeats %s", due)
	}
}

func (r *batchRun) add(at float64, key string, size int, events ...string) {
	r.until(after(at))
	for _, event := range events {
		r.started(after(at), r.batches.Add(key, event, size, event, after(at)))
	}
}

// Measured on both servers with these events (size 3, timeout 8 s). v1.43.0 starts the
// batches that took two writes at 8.9 s, and those at 0.5 s because of its polls at 1.3 s.
func TestBatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		add            func(r *batchRun)
		oldest, newest []string
	}{
		{
			"full at once", func(r *batchRun) { r.add(0, "k", 9, "a", "b", "c") },
			[]string{"0: a b c"}, []string{"0: a b c"},
		},
		{
			"full later", func(r *batchRun) { r.add(0, "k", 9, "a", "b"); r.add(1.5, "k", 9, "c") },
			[]string{"1.5: a b c"}, []string{"8.5: a b c"},
		},
		{
			"full within half a second", func(r *batchRun) { r.add(0, "k", 9, "a", "b"); r.add(0.2, "k", 9, "c") },
			[]string{"0.2: a b c"}, []string{"0.2: a b c"},
		},
		{
			"more than full", func(r *batchRun) { r.add(0, "k", 9, "a", "b", "c", "d") },
			[]string{"0: a b c", "8: d"}, []string{"0: a b c", "8.5: d"},
		},
		{
			"two full ones and more", func(r *batchRun) { r.add(0, "k", 9, "a", "b", "c", "d", "e", "f", "g", "h") },
			[]string{"0: a b c", "0: d e f", "8: g h"}, []string{"0: a b c", "0: d e f", "8.5: g h"},
		},
		{
			"more than full later", func(r *batchRun) { r.add(0, "k", 9, "a", "b"); r.add(1.5, "k", 9, "c", "d", "e") },
			[]string{"1.5: a b c", "9.5: d e"}, []string{"8.5: a b c", "9.5: d e"},
		},
		{
			"a batch that fills while a full one waits", func(r *batchRun) {
				r.add(0, "k", 9, "a", "b")
				r.add(1.5, "k", 9, "c", "d", "e")
				r.add(8.6, "k", 9, "f")
			},
			[]string{"1.5: a b c", "8.6: d e f"}, []string{"8.5: a b c", "9.5: d e f"},
		},
		{
			"never full", func(r *batchRun) { r.add(0, "k", 9, "a"); r.add(7, "k", 9, "b"); r.add(9, "k", 9, "c") },
			[]string{"8: a b", "17: c"}, []string{"8.5: a b", "17.5: c"},
		},
		{
			"a batch that starts while an event is buffered", func(r *batchRun) { r.add(0, "k", 9, "a"); r.add(8.2, "k", 9, "b") },
			[]string{"8: a", "16.2: b"}, []string{"8.5: a", "16.7: b"},
		},
		{
			"keys are apart", func(r *batchRun) {
				r.add(0, "k", 9, "a", "b")
				r.add(0.1, "l", 9, "c", "d", "e")
				r.add(0.3, "", 9, "f")
			},
			[]string{"0.1: c d e", "8: a b", "8.3: f"}, []string{"0.1: c d e", "8.5: a b", "8.8: f"},
		},
		{
			"repeated events count once", func(r *batchRun) {
				r.add(0, "k", 9, "a", "a", "b")
				r.add(1, "k", 9, "a", "b")
				r.add(9, "k", 9, "b")
				r.add(31*60, "k", 9, "a", "b", "c")
			},
			[]string{"8: a b", "1860: a b c"}, []string{"8.5: a b", "1860: a b c"},
		},
		{
			"full by size", func(r *batchRun) { r.add(0, "k", 6<<20, "a", "b", "c") },
			[]string{"0: a b", "8: c"},
			// Each event fills the buffer, so each is written by itself.
			[]string{"8: a b", "8: c"},
		},
		{
			"one event full by size", func(r *batchRun) { r.add(0, "k", 10<<20, "a"); r.add(0, "k", 1, "b") },
			[]string{"0: a", "8: b"}, []string{"0: a", "8.5: b"},
		},
	}
	for _, test := range tests {
		for v, want := range map[version.Version][]string{version.Oldest: test.oldest, version.Newest: test.newest} {
			t.Run(test.name+" "+string(v), func(t *testing.T) {
				t.Parallel()
				r := &batchRun{t: t, batches: NewBatches[string](v, 3, 8*time.Second)}
				test.add(r)
				r.until(after(3600))
				require.Equal(t, want, r.starts)
				_, waiting := r.batches.Next()
				require.False(t, waiting)
			})
		}
	}
}

// A buffer that is written early leaves nothing behind.
func TestBatchesFullBuffer(t *testing.T) {
	t.Parallel()
	batches := NewBatches[string](version.Newest, 2, 8*time.Second)
	require.Empty(t, batches.Add("k", "a", 9, "a", start))
	require.Len(t, batches.Add("k", "b", 9, "b", start), 1)
	_, waiting := batches.Next()
	require.False(t, waiting)
	require.Empty(t, batches.Add("k", "c", 9, "c", after(0.2)))
	next, _ := batches.Next()
	require.InDelta(t, 0.7, seconds(next), 0)
}

// A timeout below half a second shortens the buffer's time.
func TestBatchesShortTimeout(t *testing.T) {
	t.Parallel()
	r := &batchRun{t: t, batches: NewBatches[string](version.Newest, 3, 200*time.Millisecond)}
	r.add(0, "k", 9, "a")
	r.until(after(10))
	require.Equal(t, []string{"0.4: a"}, r.starts)
}

// The size of a batch includes what the server stores with each event.
func TestBatchesSizeLimit(t *testing.T) {
	t.Parallel()
	size := batchSizeLimit/2 - batchItemOverhead
	for extra, started := range []bool{true, false} {
		batches := NewBatches[string](version.Oldest, 100, time.Minute)
		require.Empty(t, batches.Add("k", "a", size-extra, "a", start))
		require.Equal(t, started, len(batches.Add("k", "b", size, "b", start)) == 1)
	}
}
