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

// maxDebouncePeriod is MaxDebouncePeriod of the server's pkg/consts.
const maxDebouncePeriod = 7 * 24 * time.Hour

// DebounceOption is an option of [Debounce]: a [Key] or [Timeout].
type DebounceOption interface {
	part
	ofDebounce()
}

// Debounce starts a run only when no further event has come for a period of 1 s
// to 7 days, in whole seconds, to which the server adds about one. The run gets
// the last event. Without a [Timeout], events that keep coming put it off for
// ever. It cannot be combined with [BatchEvents], nor with a schedule.
func Debounce(period time.Duration, options ...DebounceOption) inngestkit.Option {
	return option("Debounce", period.String(), func(c *fnconfig.Config) {
		s := read(c, "Debounce", options)
		checkPeriod(c, "Debounce.Period", period, maxDebouncePeriod)
		// The server keeps a debounce for whole seconds (pkg/execution/debounce):
		// events in the fraction after them would start a second run.
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

// Idempotency starts one run in 24 h for each value of an expression:
// Idempotency("event.data.orderId"). Further events with that value start none.
//
// Servers from 1.13 on do not drop a scheduled run with such a value: they try to
// start it again, with growing pauses, for about a day, and so it may start late.
//
// To the server it is a rate limit of one run in 24 h (SDKFunction.Function of
// its pkg/sdk), so it cannot be combined with [RateLimit] or [BatchEvents].
func Idempotency(expression string) inngestkit.Option {
	return option("Idempotency", expression, func(c *fnconfig.Config) {
		checkExpression(c, "Idempotency", expression)
		c.Options.Idempotency = &expression
	})
}
