package flow

import (
	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxConcurrencyLimits is MaxConcurrencyLimits of the server's pkg/consts.
const maxConcurrencyLimits = 2

// ConcurrencyOption is an option of [Concurrency]: a [Key].
type ConcurrencyOption interface{ applyConcurrency(l *concurrency) }

type concurrency struct{ key *key }

func (k key) applyConcurrency(l *concurrency) { l.key = &k }

// Concurrency limits how many steps of the function run at the same time, over
// all its runs; further steps wait. Sleeping and waiting runs do not count. It
// may be given twice, for one limit with a key and one without, or for two keys.
func Concurrency(limit int, options ...ConcurrencyOption) inngestkit.Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		var l concurrency
		for _, o := range options {
			o.applyConcurrency(&l)
		}
		checkLimit(c, "Concurrency", limit)
		if c.Options.Concurrency == nil {
			c.Options.Concurrency = &inngestgo.ConfigConcurrency{}
		}
		limits := &c.Options.Concurrency.Step
		*limits = append(*limits, inngestgo.ConfigStepConcurrency{Limit: limit, Key: checkKey(c, "Concurrency", l.key)})
		if len(*limits) > maxConcurrencyLimits {
			c.Refuse("Concurrency", limit, "is one limit too many; a function has at most %d", maxConcurrencyLimits)
		}
		if len(*limits) == maxConcurrencyLimits && sameKey((*limits)[0].Key, (*limits)[1].Key) {
			c.Refuse("Concurrency", limit, "has the same key as another limit of the function; keep the lower one")
		}
	})
}

func sameKey(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
