package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxThrottlePeriod is from Inngest's documentation of throttling.
const maxThrottlePeriod = 7 * 24 * time.Hour

// ThrottleOption is an option of [Throttle]: a [Key] or [Burst].
type ThrottleOption interface{ applyThrottle(l *throttle) }

type throttle struct {
	key   *key
	burst *int
}

func (k key) applyThrottle(l *throttle) { l.key = &k }

// Burst is how many runs may start at once before [Throttle] spaces them; at
// least 1, which is the default and spaces all of them.
func Burst(runs int) ThrottleOption { return burst(runs) }

type burst int

func (b burst) applyThrottle(l *throttle) { l.burst = new(int(b)) }

// Throttle starts at most limit runs in a period of 1 s to 7 days, in whole
// seconds, evenly spaced. Further runs wait for their turn.
func Throttle(limit int, period time.Duration, options ...ThrottleOption) inngestkit.Option {
	return option("Throttle", limit, func(c *fnconfig.Config) {
		var l throttle
		for _, o := range options {
			o.applyThrottle(&l)
		}
		checkLimit(c, "Throttle", limit)
		checkPeriod(c, "Throttle.Period", period, maxThrottlePeriod)
		if period%time.Second != 0 {
			c.Refuse("Throttle.Period", period.String(), "is not in whole seconds; the server cuts off the rest")
		}
		runs := 1
		if l.burst != nil {
			runs = *l.burst
			checkLimit(c, "Throttle.Burst", runs)
		}
		c.Options.Throttle = &inngestgo.ConfigThrottle{
			Limit: uint(max(limit, 0)), Period: period, Burst: uint(max(runs, 0)), Key: checkKey(c, "Throttle", l.key),
		}
	})
}
