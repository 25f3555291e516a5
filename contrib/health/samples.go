package inngesthealth

import (
	"slices"
	"sync/atomic"
	"time"
)

// maxSamples is how many durations of a function are kept: 4 KiB, and enough for a
// 95th percentile that 25 of them are above.
const maxSamples = 512

// samples are the last durations, in nanoseconds. Adding takes no lock.
type samples struct {
	added atomic.Uint64
	ring  [maxSamples]atomic.Int64
}

func (s *samples) add(d time.Duration) {
	i := s.added.Add(1) - 1
	s.ring[i%maxSamples].Store(int64(d))
}

// summary is the percentiles, each of them a duration that was measured (nearest
// rank).
func (s *samples) summary() Durations {
	n := int(min(s.added.Load(), maxSamples))
	if n == 0 {
		return Durations{}
	}
	sorted := make([]time.Duration, n)
	for i := range sorted {
		sorted[i] = time.Duration(s.ring[i].Load())
	}
	slices.Sort(sorted)
	at := func(percent int) time.Duration { return sorted[(n*percent+99)/100-1] }
	return Durations{P50: at(50), P95: at(95), Max: sorted[n-1]}
}
