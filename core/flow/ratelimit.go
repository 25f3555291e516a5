package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxRateLimitPeriod is FunctionIdempotencyPeriod of the server's pkg/consts,
// which RateLimit.IsValid of its pkg/inngest/function.go compares with.
const maxRateLimitPeriod = 24 * time.Hour

// RateLimitOption is an option of [RateLimit]: a [Key].
type RateLimitOption interface {
	part
	ofRateLimit()
}

// RateLimit starts at most limit runs in a period of 1 s to 24 h, in whole seconds.
// Events beyond that start no run, now or later; use [Throttle] to run them later.
//
// Servers from 1.13 on do not drop a scheduled run: they try to start it again, with
// growing pauses, for about a day, and so it may start late.
//
// The server spaces the runs: with 10 in an hour it takes one event every 6
// minutes, and a tenth of the limit, rounded down, more at once (RateLimit in
// its pkg/execution/ratelimit). It cannot be combined with [Idempotency] or
// [BatchEvents].
func RateLimit(limit int, period time.Duration, options ...RateLimitOption) inngestkit.Option {
	return option("RateLimit", limit, func(c *fnconfig.Config) {
		s := read(c, "RateLimit", options)
		checkLimit(c, "RateLimit", limit)
		checkPeriod(c, "RateLimit.Period", period, maxRateLimitPeriod)
		checkWholeSeconds(c, "RateLimit.Period", period)
		c.Options.RateLimit = &inngestgo.ConfigRateLimit{
			Limit: uint(max(limit, 0)), Period: period, Key: checkKey(c, "RateLimit", s),
		}
	})
}
