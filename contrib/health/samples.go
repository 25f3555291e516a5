package inngesthealth

import (
	"slices"
	"sync/atomic"
	"time"
)

// maxSamples is the number of durations kept for a function. They take 4 KiB, and 25 of
// them are above the 95th percentile, which makes it reliable.
const maxSamples = 512

// samples holds the last durations, in nanoseconds plus one; 0 means none. Adding takes
// no lock.
type samples struct {
	added atomic.Uint64
	ring  [maxSamples]atomic.Int64
}

func (s *samples) add(d time.Duration) {
	i := s.added.Add(1) - 1
	s.ring[i%maxSamples].Store(int64(d) + 1)
}

// summary returns the percentiles by the nearest-rank method, so each one is a measured
// duration.
func (s *samples) summary() Durations {
	sorted := make([]time.Duration, 0, min(s.added.Load(), maxSamples))
	for i := range cap(sorted) {
		if d := s.ring[i].Load(); d > 0 { // 0 while add has not stored it yet
			sorted = append(sorted, time.Duration(d-1))
		}
	}
	n := len(sorted)
	if n == 0 {
		return Durations{}
	}
	slices.Sort(sorted)
	at := func(percent int) time.Duration { return sorted[(n*percent+99)/100-1] }
	return Durations{P50: at(50), P95: at(95), Max: sorted[n-1]}
}
