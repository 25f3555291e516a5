package limits

import "time"

// gcra spaces events by the generic cell rate algorithm. For each key it holds the time
// from which on the full allowance is available again, the theoretical arrival time (TAT).
// Each event adds an interval to it. An event is allowed as long as the TAT then is not
// further ahead than tolerance.
type gcra struct {
	interval  time.Duration
	tolerance time.Duration
	// memory returns for how long the server holds a TAT that is ahead by the given time.
	// Redis forgets keys after whole seconds, so it may forget one before its time comes,
	// and then the full allowance is back early.
	memory func(ahead time.Duration) time.Duration

	tats expiring[time.Time]
}

// take counts an event if it is allowed. If not, retryAt is the first time at which one is.
func (g *gcra) take(key string, now time.Time) (ok bool, retryAt time.Time) {
	tat, forgotten, known := g.tats.get(key, now)
	if !known || tat.Before(now) {
		tat = now
	}
	tat = tat.Add(g.interval)
	if allowed := tat.Add(-g.tolerance); now.Before(allowed) {
		if forgotten.Before(allowed) {
			return false, forgotten
		}
		return false, allowed
	}
	g.tats.set(key, tat, now.Add(g.memory(tat.Sub(now))), now)
	return true, time.Time{}
}

// wholeSeconds returns d in whole seconds, at least one: the expiry that the server sets.
func wholeSeconds(d time.Duration) time.Duration {
	return max(d.Truncate(time.Second), time.Second)
}
