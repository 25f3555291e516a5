package inngesthealth

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// processStart approximates the start of the process: packages are initialized first.
var processStart = time.Now()

// readSystem returns the metrics of this process, including its memory.
func readSystem() SystemMetrics {
	r := readRuntime()
	return SystemMetrics{
		Memory:     processCgroups().memory(r),
		Goroutines: runtime.NumGoroutine(),
		HeapBytes:  r.objects,
		MaxProcs:   runtime.GOMAXPROCS(0),
		Uptime:     time.Since(processStart).Round(time.Millisecond),
	}
}

// runtimeStats holds the memory metrics of the Go runtime, in bytes.
type runtimeStats struct {
	// limit is GOMEMLIMIT or the argument of debug.SetMemoryLimit, 0 if neither is set.
	limit uint64
	// held is what the runtime has from the operating system, which the limit governs.
	held uint64
	// needed is the part of held that the garbage collector cannot reclaim.
	needed uint64
	// objects is the size of all objects on the heap, including garbage.
	objects uint64
}

// runtimeSamples returns the metrics that readRuntime reads.
func runtimeSamples() [7]metrics.Sample {
	return [...]metrics.Sample{
		{Name: "/gc/gomemlimit:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
}

// readRuntime reads from package runtime/metrics, which, unlike runtime.ReadMemStats,
// does not stop the world.
func readRuntime() runtimeStats {
	samples := runtimeSamples()
	metrics.Read(samples[:])
	limit, live, total, released := sampled(samples[0]), sampled(samples[1]), sampled(samples[2]), sampled(samples[3])
	objects, free, unused := sampled(samples[4]), sampled(samples[5]), sampled(samples[6])
	if limit == math.MaxInt64 {
		limit = 0
	}
	return runtimeStats{
		limit:   limit,
		held:    minus(total, released),
		needed:  needed(live, objects, minus(total, released+objects+free+unused)),
		objects: objects,
	}
}

// needed returns the memory that remains after garbage collection. Garbage just below
// GOMEMLIMIT is normal, because the collector lets the heap grow that far. Needed are
// the objects that were alive at the end of its last cycle, and memory outside of the
// heap such as stacks and the collector's own data. Gaps between objects (heap/unused)
// do not count, because new objects fill them.
//
// Before the first cycle, live is an estimate that may exceed all objects.
func needed(live, objects, notHeap uint64) uint64 { return min(live, objects) + notHeap }

// sampled returns the value of a sample, 0 if this version of Go lacks the metric.
func sampled(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}

// minus returns a - b, or 0 if b is larger, which happens because numbers are not read
// at the same instant.
func minus(a, b uint64) uint64 { return a - min(a, b) }
