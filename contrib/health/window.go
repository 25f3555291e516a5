package inngesthealth

import (
	"sync"
	"sync/atomic"
	"time"
)

// windowSlots is how many parts a window has. The oldest is dropped as a whole, so
// what is counted is between nine and ten tenths of the window.
const windowSlots = 10

// window counts the ends of attempts and of runs over the last time. Counting takes
// no lock but for the first count in a slot.
type window struct {
	slots [windowSlots]slot
	begin sync.Mutex // for the change of a slot
}

// slot is the counts of one part of the time, whose number is its epoch.
type slot struct {
	epoch atomic.Int64
	tally [tallies]atomic.Uint64
}

// tally is what is counted in a window.
type tally int

const (
	attemptsGood tally = iota
	attemptsBad
	runsGood
	runsBad
	tallies
)

// epochOf is the number of the slot, from windowSlots on, for the time since some
// instant: clocks on the wall are set back at times.
func epochOf(since, length time.Duration) int64 {
	return windowSlots + int64(max(since, 0)/(length/windowSlots))
}

// count adds to the slot of an epoch.
func (w *window) count(epoch int64, what ...tally) {
	s := &w.slots[epoch%windowSlots]
	if s.epoch.Load() < epoch {
		w.renew(s, epoch)
	}
	for _, t := range what {
		s.tally[t].Add(1)
	}
}

// renew empties a slot for its next epoch.
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

// sum is the counts of the window that ends with an epoch.
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
