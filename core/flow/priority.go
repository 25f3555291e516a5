package flow

import (
	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Priority lets a run that waits for its turn go before others of the function.
// The expression is a number of seconds: with 120 a run goes before the runs
// that were scheduled up to two minutes earlier, with a negative one it lets
// later runs go first. It has to be an integer, from -600 to 600 by Inngest's
// documentation; the server ignores others, and puts larger ones at 12 h.
//
//	flow.Priority("event.data.plan == 'pro' ? 120 : 0")
//
// It cannot be combined with [BatchEvents].
func Priority(expression string) inngestkit.Option {
	return option("Priority", expression, func(c *fnconfig.Config) {
		checkExpression(c, "Priority", expression)
		c.Options.Priority = &inngestgo.ConfigPriority{Run: &expression}
	})
}
