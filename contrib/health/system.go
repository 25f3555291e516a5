package inngesthealth

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

// processStart is as good as the start of the process: packages are initialized first.
var processStart = time.Now()

// readSystem are the metrics of this process, its memory included.
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

// runtimeStats are what the Go runtime knows of its memory, in bytes.
type runtimeStats struct {
	// limit is GOMEMLIMIT, or what debug.SetMemoryLimit was called with; 0 if neither.
	limit uint64
	// held is what the runtime has from the operating system: what the limit governs.
	held uint64
	// needed is the part of held that the collector cannot get back.
	needed uint64
	// objects is the size of what is allocated on the heap, dead or alive.
	objects uint64
}

// runtimeSamples are what readRuntime reads.
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

// readRuntime reads from package runtime/metrics, which does not stop the world as
// runtime.ReadMemStats does.
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

// needed is what is left when the collector has done all it can. Close below
// GOMEMLIMIT, garbage is no sign of trouble, as the collector lets the heap grow that
// far before it works for it: what counts is what was alive at the end of its last
// cycle, and what is not of the heap, like stacks and its own data. Gaps between
// objects (heap/unused) are left out, as new objects go there.
//
// Before the first cycle the runtime has a guess for live, which may be above all
// objects there are.
func needed(live, objects, notHeap uint64) uint64 { return min(live, objects) + notHeap }

// sampled is the value of a sample, 0 if this version of Go does not have the metric.
func sampled(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}

// minus is a - b, or 0 if b is more: numbers that are not read at the same instant
// need not fit together.
func minus(a, b uint64) uint64 { return a - min(a, b) }
