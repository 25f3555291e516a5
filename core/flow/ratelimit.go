package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxRateLimitPeriod is the server's; see pkg/inngest/rate_limit.go there.
const maxRateLimitPeriod = 24 * time.Hour

// RateLimitOption is an option of [RateLimit]: a [Key].
type RateLimitOption interface{ applyRateLimit(l *rateLimit) }

type rateLimit struct{ key *key }

func (k key) applyRateLimit(l *rateLimit) { l.key = &k }

// RateLimit starts at most limit runs in a period of 1 s to 24 h. Events beyond
// that start no run, now or later; use [Throttle] to run them later.
func RateLimit(limit int, period time.Duration, options ...RateLimitOption) inngestkit.Option {
	return option("RateLimit", limit, func(c *fnconfig.Config) {
		var l rateLimit
		for _, o := range options {
			o.applyRateLimit(&l)
		}
		checkLimit(c, "RateLimit", limit)
		checkPeriod(c, "RateLimit.Period", period, maxRateLimitPeriod)
		c.Options.RateLimit = &inngestgo.ConfigRateLimit{
			Limit: uint(max(limit, 0)), Period: period, Key: checkKey(c, "RateLimit", l.key),
		}
	})
}
