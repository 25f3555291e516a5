package inngesthealth

import (
	"sync"
	"sync/atomic"
	"time"
)

// windowSlots is the number of slots of a window. The oldest slot is dropped as a
// whole, so counts cover between nine and ten tenths of the window.
const windowSlots = 10

// A window counts attempts and runs that ended recently. Counting takes no lock, except
// for the first count in a slot.
type window struct {
	slots [windowSlots]slot
	begin sync.Mutex // held by renew
}

// A slot holds the counts of one part of the window. Its epoch numbers the part.
type slot struct {
	epoch atomic.Int64
	tally [tallies]atomic.Uint64
}

// A tally identifies what is counted.
type tally int

const (
	attemptsGood tally = iota
	attemptsBad
	runsGood
	runsBad
	tallies
)

// epochOf returns the number of the slot, at least windowSlots, for a time since some
// instant. It tolerates a negative time, because wall clocks may be set back.
func epochOf(since, length time.Duration) int64 {
	return windowSlots + int64(max(since, 0)/(length/windowSlots))
}

// count increments tallies in the slot of an epoch.
func (w *window) count(epoch int64, what ...tally) {
	s := &w.slots[epoch%windowSlots]
	if s.epoch.Load() < epoch {
		w.renew(s, epoch)
	}
	for _, t := range what {
		s.tally[t].Add(1)
	}
}

// renew clears a slot for its next epoch.
func (w *window) renew(s *slot, epoch int64) {
	w.begin.Lock()
	defer w.begin.Unlock()
	if s.epoch.Load() >= epoch {
		return
	}
	for t := range s.tally {
		s.tally[t].Store(0)
	}
	s.epoch.Store(epoch)
}

// sum returns the totals of the window that ends with an epoch.
func (w *window) sum(epoch int64) (total [tallies]uint64) {
	for i := range w.slots {
		s := &w.slots[i]
		if e := s.epoch.Load(); e <= epoch-windowSlots || e > epoch {
			continue
		}
		for t := range total {
			total[t] += s.tally[t].Load()
		}
	}
	return total
}
