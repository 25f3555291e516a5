package flow

import (
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// maxRetries is MaxRetries of the server's pkg/consts; it clamps higher values.
const maxRetries = 20

// Retries is how often a failing step, or a function that fails outside of
// steps, is tried again: 0 to 20, by default 4.
func Retries(n int) inngestkit.Option {
	return option("Retries", n, func(c *fnconfig.Config) {
		if n < 0 || n > maxRetries {
			c.Refuse("Retries", n, "is out of range; it is at least 0 and at most %d", maxRetries)
		}
		c.Options.Retries = &n
	})
}
