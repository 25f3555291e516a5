package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// StartTimeout cancels a run that has not started d after it was scheduled, for
// example because of [Concurrency] or [Throttle].
func StartTimeout(d time.Duration) inngestkit.Option {
	return option("StartTimeout", d.String(), func(c *fnconfig.Config) {
		checkPositive(c, "StartTimeout", d)
		timeouts(c).Start = &d
	})
}

// FinishTimeout cancels a run that has not ended d after it started, sleeps and
// waits included. The step that runs at that moment runs to its end.
func FinishTimeout(d time.Duration) inngestkit.Option {
	return option("FinishTimeout", d.String(), func(c *fnconfig.Config) {
		checkPositive(c, "FinishTimeout", d)
		timeouts(c).Finish = &d
	})
}

func timeouts(c *fnconfig.Config) *inngestgo.ConfigTimeouts {
	if c.Options.Timeouts == nil {
		c.Options.Timeouts = &inngestgo.ConfigTimeouts{}
	}
	return c.Options.Timeouts
}
