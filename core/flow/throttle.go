package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxThrottlePeriod is from Inngest's documentation of throttling; the server
// does not look.
const maxThrottlePeriod = 7 * 24 * time.Hour

// ThrottleOption is an option of [Throttle]: a [Key] or [Burst].
type ThrottleOption interface {
	part
	ofThrottle()
}

// Burst lets [Throttle] start that many runs more at once after a quiet time, at
// least 1. Servers up to 1.14 take it for a factor: limit × burst runs start at
// once. 1.15.0 starts limit or burst runs, whichever is more.
func Burst(runs int) ThrottleOption {
	return suboption{name: "Burst", set: func(s *settings) { s.burst = &runs }}
}

// Throttle starts runs at the rate of limit in a period of 1 s to 7 days, in
// whole seconds; further runs wait for their turn. After a quiet time limit runs
// start at once, and then one every period/limit: give a limit of 1 to space all
// of them.
func Throttle(limit int, period time.Duration, options ...ThrottleOption) inngestkit.Option {
	return option("Throttle", limit, func(c *fnconfig.Config) {
		s := read(c, "Throttle", options)
		checkLimit(c, "Throttle", limit)
		checkPeriod(c, "Throttle.Period", period, maxThrottlePeriod)
		checkWholeSeconds(c, "Throttle.Period", period)
		// Without a burst the SDK sends 0, and servers from 1.15.1 on start as many
		// runs more at once as it says.
		burst := 0
		if s.burst != nil {
			burst = *s.burst
			checkLimit(c, "Throttle.Burst", burst)
		}
		c.Options.Throttle = &inngestgo.ConfigThrottle{
			Limit: uint(max(limit, 0)), Period: period, Burst: uint(max(burst, 0)), Key: checkKey(c, "Throttle", s),
		}
	})
}
