package limits

import "time"

// Idempotency lets an event ID start each function once per 24 hours
// (pkg/execution/state/redis_state of the server). Further events with the ID still resume
// waits and cancel runs.
type Idempotency struct {
	started expiring[struct{}]
}

// Start reports whether the event may start a run of the function, and remembers it.
func (i *Idempotency) Start(function, eventID string, now time.Time) bool {
	key := joinKey(function, eventID)
	if _, _, known := i.started.get(key, now); known {
		return false
	}
	i.started.set(key, struct{}{}, now.Add(idempotencyPeriod), now)
	return true
}
