package limits

import (
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// RateLimit drops events that arrive too fast. Both supported versions space the events:
// with limit per period, one is accepted every period/limit, and a tenth of the limit,
// rounded down, may follow the first at once (pkg/execution/ratelimit of the server).
type RateLimit struct {
	gcra

	version  version.Version
	accepted expiring[struct{}] // the IDs of events
}

// acceptedTTL is how long [version.Newest] remembers the IDs of accepted events:
// RateLimitIdempotencyTTL in pkg/execution/executor of the server.
const acceptedTTL = 30 * time.Minute

// NewRateLimit returns a rate limit of limit events per period and key. A limit of 0
// counts as 1.
func NewRateLimit(v version.Version, limit int, period time.Duration) *RateLimit {
	limit = max(limit, 1)
	interval := period / time.Duration(limit)
	burst := limit / 10
	return &RateLimit{version: v, gcra: gcra{
		interval:  interval,
		tolerance: interval * time.Duration(burst+1),
		memory:    wholeSeconds,
	}}
}

// idempotencyPeriod is FunctionIdempotencyPeriod in pkg/consts of the server.
const idempotencyPeriod = 24 * time.Hour

// NewIdempotencyOption returns what the option "idempotency" of a function is to the
// server: a rate limit of one event per 24 hours and key (pkg/sdk/function.go of the
// server). It replaces the function's rate limit.
func NewIdempotencyOption(v version.Version) *RateLimit {
	return NewRateLimit(v, 1, idempotencyPeriod)
}

// Take counts an event and reports whether it may start a run. If not, the event is
// dropped, and retryAt is the time from which on one is accepted. Callers do not pass
// events whose key is the value false, because the server does not limit them.
//
// [version.Newest] does not count an event again whose ID it has accepted within 30
// minutes. [Idempotency] then refuses it.
func (r *RateLimit) Take(key, eventID string, now time.Time) (ok bool, retryAt time.Time) {
	if _, _, known := r.accepted.get(eventID, now); known {
		return true, time.Time{}
	}
	ok, retryAt = r.take(key, now)
	if ok && r.version == version.Newest {
		r.accepted.set(eventID, struct{}{}, now.Add(acceptedTTL), now)
	}
	return ok, retryAt
}
