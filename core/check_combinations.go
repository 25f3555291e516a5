package inngestkit

import (
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// checkCombinations refuses options that exclude each other. The server refuses
// the first four pairs (pkg/inngest/function.go, Function.Validate). Of the
// others it drops one option without a word: it adds an event to its batch
// before it looks at rate limits (pkg/execution/runner/runner.go, initialize),
// and an idempotency key is a rate limit to it, which takes the place of the
// function's own (pkg/sdk/function.go, SDKFunction.Function).
func checkCombinations(c *fnconfig.Config) {
	o := c.Options
	if batch := o.BatchEvents; batch != nil {
		for _, other := range []struct {
			name string
			set  bool
			why  string
		}{
			{"CancelOn", len(o.Cancel) > 0, serverRefuses},
			{"Debounce", o.Debounce != nil, serverRefuses},
			{"Singleton", o.Singleton != nil, serverRefuses},
			{"Priority", o.Priority != nil, serverRefuses},
			{"RateLimit", o.RateLimit != nil, "it would not limit batches"},
			{"Idempotency", o.Idempotency != nil, "it would not hold for events in batches"},
		} {
			if other.set {
				c.Refuse("BatchEvents", batch.MaxSize, "cannot be combined with %s: %s; leave out one of them",
					other.name, other.why)
			}
		}
	}
	if o.Idempotency != nil && o.RateLimit != nil {
		c.Refuse("Idempotency", *o.Idempotency, "cannot be combined with RateLimit: "+
			"to the server it is a rate limit of one run in 24 h, and takes the other's place; leave out one of them")
	}
}

const serverRefuses = "the server refuses functions with both"
