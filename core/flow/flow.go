// Package flow has the options that control how the runs of a function are
// retried, limited and delayed. They are given to inngestkit.OnEvent and
// inngestkit.OnCron:
//
//	inngestkit.OnEvent("export", exportRequested, export,
//		flow.Retries(2),
//		flow.Concurrency(1, flow.Key("event.data.accountId")),
//	)
//
// Each option may be given once, Concurrency twice. Values the Inngest server would refuse or
// silently change are errors of App.Register, with the limit in the message; the
// limits are those of the server's source, packages pkg/inngest and pkg/consts.
package flow

import (
	"time"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// KeyOption is an option of every limit: [Concurrency], [RateLimit], [Throttle]
// and [Debounce].
type KeyOption interface {
	ConcurrencyOption
	RateLimitOption
	ThrottleOption
	DebounceOption
}

// Key makes a limit apply to each value of an expression by itself, in the Common
// Expression Language over the triggering event: Key("event.data.userId").
func Key(expression string) KeyOption { return key(expression) }

type key string

// option makes an option that may be given once.
func option(field string, value any, apply func(c *fnconfig.Config)) fnconfig.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if c.Once(field, value) {
			apply(c)
		}
	})
}

// checkKey refuses an empty expression and returns the key in the SDK's form.
func checkKey(c *fnconfig.Config, field string, k *key) *string {
	if k == nil {
		return nil
	}
	if *k == "" {
		c.Refuse(field+".Key", "", "is empty; leave Key out to limit all runs together")
	}
	return new(string(*k))
}

// checkPeriod refuses periods the server refuses.
func checkPeriod(c *fnconfig.Config, field string, period, atMost time.Duration) {
	if period < time.Second || period > atMost {
		c.Refuse(field, period.String(), "is out of range; it is at least 1s and at most %s", atMost)
	}
}

// checkLimit refuses limits below 1, which the server takes for no limit or for 1.
func checkLimit(c *fnconfig.Config, field string, limit int) {
	if limit < 1 {
		c.Refuse(field, limit, "is out of range; it is at least 1")
	}
}
