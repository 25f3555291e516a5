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
