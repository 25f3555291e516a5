package inngesthealth

import (
	"slices"
	"sync/atomic"
	"time"
)

// maxSamples is how many durations of a function are kept: 4 KiB, and enough for a
// 95th percentile that 25 of them are above.
const maxSamples = 512

// samples are the last durations, in nanoseconds and one more: 0 is none. Adding takes
// no lock.
type samples struct {
	added atomic.Uint64
	ring  [maxSamples]atomic.Int64
}

func (s *samples) add(d time.Duration) {
	i := s.added.Add(1) - 1
	s.ring[i%maxSamples].Store(int64(d) + 1)
}

// summary is the percentiles, each of them a duration that was measured (nearest
// rank).
func (s *samples) summary() Durations {
	sorted := make([]time.Duration, 0, min(s.added.Load(), maxSamples))
	for i := range cap(sorted) {
		if d := s.ring[i].Load(); d > 0 { // else it is on its way
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
