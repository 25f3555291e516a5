package inngesthealth

import (
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReadSystem(t *testing.T) {
	t.Parallel()
	before := readSystem()
	const size = 8 * mib
	data := make([]byte, size)
	after := readSystem()
	runtime.KeepAlive(data)

	require.Positive(t, after.Memory.UsedBytes)
	require.Positive(t, before.Goroutines)
	require.GreaterOrEqual(t, after.HeapBytes, uint64(size))
	require.Equal(t, runtime.GOMAXPROCS(0), after.MaxProcs)
	require.Positive(t, before.Uptime)
	require.GreaterOrEqual(t, after.Uptime, before.Uptime)
	require.Less(t, after.Uptime, time.Hour, "since the start of the process")
}

func TestReadRuntime(t *testing.T) {
	t.Parallel()
	r := readRuntime()
	require.Positive(t, r.needed)
	require.Positive(t, r.objects)
	require.GreaterOrEqual(t, r.held, r.needed)
	require.GreaterOrEqual(t, r.held, r.objects)
}

// This version of Go has all the metrics that are read.
func TestMetricsExist(t *testing.T) {
	t.Parallel()
	known := map[string]metrics.ValueKind{}
	for _, d := range metrics.All() {
		known[d.Name] = d.Kind
	}
	for _, s := range runtimeSamples() {
		require.Equal(t, metrics.KindUint64, known[s.Name], s.Name)
	}
}

func TestSampledUnknown(t *testing.T) {
	t.Parallel()
	samples := []metrics.Sample{{Name: "/gone:bytes"}}
	metrics.Read(samples)
	require.Zero(t, sampled(samples[0]))
}

func TestNeeded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ live, objects, notHeap, want uint64 }{
		"garbage does not count":       {live: 10, objects: 90, notHeap: 5, want: 15},
		"everything is alive":          {live: 90, objects: 90, notHeap: 5, want: 95},
		"before the first cycle":       {live: 2 << 20, objects: 100, notHeap: 5, want: 105},
		"only memory outside the heap": {notHeap: 5, want: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, needed(test.live, test.objects, test.notHeap))
		})
	}
}

func TestMinus(t *testing.T) {
	t.Parallel()
	require.Equal(t, uint64(1), minus(3, 2))
	require.Zero(t, minus(2, 3))
	require.Equal(t, uint64(math.MaxUint64), minus(math.MaxUint64, 0))
}
