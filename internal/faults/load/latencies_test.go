package load_test

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// latencies collects how long calls took.
type latencies struct {
	mu    sync.Mutex
	taken []time.Duration
}

// String returns percentiles.
func (l *latencies) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.taken)
	if len(l.taken) == 0 {
		return "no calls"
	}
	at := func(p float64) time.Duration {
		return l.taken[int(p*float64(len(l.taken)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s, longest %s", at(.5), at(.9), at(.99), at(.999), at(1))
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = append(l.taken, d)
}

func (l *latencies) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.taken)
}
