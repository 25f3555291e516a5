package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxDebouncePeriod is MaxDebouncePeriod of the server's pkg/consts.
const maxDebouncePeriod = 7 * 24 * time.Hour

// DebounceOption is an option of [Debounce]: a [Key] or a [Timeout].
type DebounceOption interface{ applyDebounce(l *debounce) }

type debounce struct {
	key     *Key
	timeout *time.Duration
}

func (k Key) applyDebounce(l *debounce) { l.key = &k }

// Timeout is how long [Debounce] may put a run off in all. Without it, events
// that keep coming put it off for ever.
type Timeout time.Duration

func (t Timeout) applyDebounce(l *debounce) {
	timeout := time.Duration(t)
	l.timeout = &timeout
}

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
		if key := checkKey(c, "Debounce", l.key); key != nil {
			config.Key = *key
		}
		c.Options.Debounce = config
	})
}
