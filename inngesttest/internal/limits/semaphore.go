package limits

import (
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Semaphores count the runs of functions that are under way, for concurrency.fn. A run
// counts from its first call to its end, also while it sleeps or waits. [version.Oldest]
// does not know semaphores: there every run starts.
//
// [version.Newest] has a defect, which they repeat: a retry of a run's first call takes
// another place if the attempt before it began at least 5 s ago, and the run gives one place
// back when it ends. With a limit of 1 the retry waits for its own run forever, and so do all
// later runs.
type Semaphores struct {
	version version.Version
	used    map[string]int   // places, by semaphore
	holders map[string]place // by run
}

// place is what a run holds.
type place struct {
	semaphore string
	taken     time.Time // the last place, if it holds several
}

// acquiredTTL is how long [version.Newest] remembers that a call has its place:
// OperationIdempotencyTTL in pkg/constraintapi of the server.
const acquiredTTL = 5 * time.Second

// NewSemaphores returns Semaphores that no run holds.
func NewSemaphores(v version.Version) *Semaphores {
	return &Semaphores{version: v, used: map[string]int{}, holders: map[string]place{}}
}

// Acquire reports whether an attempt of the first call of run may happen now, and takes a
// place if so. limit is the function's number of places for key.
func (s *Semaphores) Acquire(run, function, key string, limit int, now time.Time) bool {
	if s.version == version.Oldest {
		return true
	}
	if held, ok := s.holders[run]; ok && now.Before(held.taken.Add(acquiredTTL)) {
		return true
	}
	semaphore := joinKey(function, key)
	if s.used[semaphore] >= limit {
		return false
	}
	s.used[semaphore]++
	s.holders[run] = place{semaphore, now}
	return true
}

// Holds reports whether run has a place. If Acquire refuses such a run, its retry waits for
// a second place.
func (s *Semaphores) Holds(run string) bool {
	_, ok := s.holders[run]
	return ok
}

// Release gives one place of run back, when it has ended.
func (s *Semaphores) Release(run string) {
	held, ok := s.holders[run]
	if !ok {
		return
	}
	delete(s.holders, run)
	if s.used[held.semaphore]--; s.used[held.semaphore] == 0 {
		delete(s.used, held.semaphore)
	}
}
