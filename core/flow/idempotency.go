package flow

import (
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

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
