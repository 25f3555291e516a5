package limits

import (
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Throttle delays starts of runs that come too fast: after the first ones, one start is
// allowed every period/limit.
type Throttle struct {
	gcra

	version version.Version
	started expiring[struct{}] // runs
}

// startedTTL is how long [version.Newest] remembers the runs that a throttle has let
// start: ConstraintCheckIdempotencyTTL in pkg/constraintapi of the server.
const startedTTL = 5 * time.Minute

// NewThrottle returns a throttle of limit starts per period and key, with a burst. The
// period counts in whole seconds, limit as 1 if it is 0.
//
// [version.Newest] lets limit + burst runs start at once (pkg/constraintapi of the server).
// [version.Oldest] lets limit × burst start at once, with a burst of 0 counting as 1, and
// forgets a key a period after its last start
// (pkg/execution/state/redis_state/lua/includes/gcra.lua). With a limit of 1 it therefore
// lets all of them start again after each period, instead of one.
func NewThrottle(v version.Version, limit, burst int, period time.Duration) *Throttle {
	limit = max(limit, 1)
	period = period.Truncate(time.Second)
	interval := period / time.Duration(limit)
	if v == version.Oldest {
		return &Throttle{version: v, gcra: gcra{
			interval:  interval,
			tolerance: period * time.Duration(max(burst, 1)),
			memory:    func(time.Duration) time.Duration { return period },
		}}
	}
	return &Throttle{version: v, gcra: gcra{
		interval:  interval,
		tolerance: interval * time.Duration(limit+burst),
		memory:    wholeSeconds,
	}}
}

// Take counts the first call of a run and reports whether it may happen now. If not, it
// must be taken again at retryAt. Each attempt of the first call is taken: a retry counts
// as another start with [version.Oldest], and with [version.Newest] if the attempt before it
// began more than 5 minutes ago.
func (t *Throttle) Take(key, run string, now time.Time) (ok bool, retryAt time.Time) {
	if _, _, known := t.started.get(run, now); !known {
		if ok, retryAt = t.take(key, now); !ok {
			return false, retryAt
		}
	}
	if t.version == version.Newest {
		t.started.set(run, struct{}{}, now.Add(startedTTL), now)
	}
	return true, time.Time{}
}
