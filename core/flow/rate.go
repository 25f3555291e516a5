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

// RateLimit starts at most limit runs per period, which is 1 s to 24 h in whole seconds.
// Further events are dropped; use [Throttle] to run them later.
//
// The server spaces the runs: with 10 per hour it accepts one event every 6 minutes, and
// a tenth of the limit, rounded down, as a burst (RateLimit in its pkg/execution/ratelimit).
//
// Servers since 1.13 do not drop runs of a schedule: they retry the start with growing
// pauses for about a day, so such a run may start late.
//
// RateLimit cannot be combined with [Idempotency] or [BatchEvents].
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

// maxThrottlePeriod is from Inngest's documentation of throttling. The server does not
// check it.
const maxThrottlePeriod = 7 * 24 * time.Hour

// ThrottleOption is an option of [Throttle]: a [Key] or a [Burst].
type ThrottleOption interface {
	part
	ofThrottle()
}

// Burst lets [Throttle] start that many more runs at once after a quiet time. It is at
// least 1. Servers up to 1.14 multiply instead: limit × burst runs start at once. Server
// 1.15.0 starts limit or burst runs, whichever is more.
func Burst(runs int) ThrottleOption {
	return suboption{name: "Burst", set: func(s *settings) { s.burst = &runs }}
}

// Throttle starts runs at a rate of limit per period, which is 1 s to 7 days in whole
// seconds. Further runs wait for their turn. After a quiet time, up to limit runs start at
// once, and then one every period/limit. To space all runs, use a limit of 1 and a shorter
// period.
func Throttle(limit int, period time.Duration, options ...ThrottleOption) inngestkit.Option {
	return option("Throttle", limit, func(c *fnconfig.Config) {
		s := read(c, "Throttle", options)
		checkLimit(c, "Throttle", limit)
		checkPeriod(c, "Throttle.Period", period, maxThrottlePeriod)
		checkWholeSeconds(c, "Throttle.Period", period)
		// Without a burst the SDK sends 0. Servers since 1.15.1 add the burst to the limit.
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

// maxDebouncePeriod is MaxDebouncePeriod of the server's pkg/consts.
const maxDebouncePeriod = 7 * 24 * time.Hour

// DebounceOption is an option of [Debounce]: a [Key] or a [Timeout].
type DebounceOption interface {
	part
	ofDebounce()
}

// Debounce starts a run when no event has arrived for a period of 1 s to 7 days, in whole
// seconds. The server adds about one second. The run gets the last event. Without a
// [Timeout], a steady stream of events delays the run forever.
//
// Debounce cannot be combined with [BatchEvents] or with a schedule.
func Debounce(period time.Duration, options ...DebounceOption) inngestkit.Option {
	return option("Debounce", period.String(), func(c *fnconfig.Config) {
		s := read(c, "Debounce", options)
		checkPeriod(c, "Debounce.Period", period, maxDebouncePeriod)
		// The server keeps a debounce for whole seconds (pkg/execution/debounce). An event in
		// the remaining fraction would start a second run.
		checkWholeSeconds(c, "Debounce.Period", period)
		if s.timeout != nil && *s.timeout < period {
			c.Refuse("Debounce.Timeout", s.timeout.String(), "is shorter than the period of %s", period)
		}
		config := &inngestgo.ConfigDebounce{Period: period, Timeout: s.timeout}
		if k := checkKey(c, "Debounce", s); k != nil {
			config.Key = *k
		}
		c.Options.Debounce = config
	})
}

// Idempotency starts one run per 24 h for each value of an expression, such as
// Idempotency("event.data.orderId"). Further events with the same value are dropped.
//
// Servers since 1.13 do not drop runs of a schedule: they retry the start with growing
// pauses for about a day, so such a run may start late.
//
// To the server this is a rate limit of one run per 24 h (SDKFunction.Function in its
// pkg/sdk). Therefore it cannot be combined with [RateLimit] or [BatchEvents].
func Idempotency(expression string) inngestkit.Option {
	return option("Idempotency", expression, func(c *fnconfig.Config) {
		checkExpression(c, "Idempotency", expression)
		c.Options.Idempotency = &expression
	})
}
