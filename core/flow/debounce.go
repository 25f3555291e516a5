package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxDebouncePeriod is MaxDebouncePeriod of the server's pkg/consts.
const maxDebouncePeriod = 7 * 24 * time.Hour

// DebounceOption is an option of [Debounce]: a [Key] or [Timeout].
type DebounceOption interface{ applyDebounce(l *debounce) }

type debounce struct {
	key     *key
	timeout *time.Duration
}

func (k key) applyDebounce(l *debounce) { l.key = &k }

// Timeout is how long [Debounce] may put a run off in all. Without it, events
// that keep coming put it off for ever.
func Timeout(d time.Duration) DebounceOption { return timeout(d) }

type timeout time.Duration

func (t timeout) applyDebounce(l *debounce) { l.timeout = new(time.Duration(t)) }

// Debounce starts a run only when no further event has come for a period of 1 s
// to 7 days. The run gets the last event.
func Debounce(period time.Duration, options ...DebounceOption) inngestkit.Option {
	return option("Debounce", period.String(), func(c *fnconfig.Config) {
		var l debounce
		for _, o := range options {
			o.applyDebounce(&l)
		}
		checkPeriod(c, "Debounce.Period", period, maxDebouncePeriod)
		if l.timeout != nil && *l.timeout < period {
			c.Refuse("Debounce.Timeout", l.timeout.String(), "is shorter than the period of %s", period)
		}
		config := &inngestgo.ConfigDebounce{Period: period, Timeout: l.timeout}
		if k := checkKey(c, "Debounce", l.key); k != nil {
			config.Key = *k
		}
		c.Options.Debounce = config
	})
}
