package inngestkit

import (
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// checkCombinations refuses options that exclude each other. The server refuses
// the first four pairs (pkg/inngest/function.go, Function.Validate). Of the
// others it drops one option without a word: it adds an event to its batch
// before it looks at rate limits (pkg/execution/runner/runner.go, initialize),
// and an idempotency key is a rate limit to it, which takes the place of the
// function's own (pkg/sdk/function.go, SDKFunction.Function).
func checkCombinations(c *fnconfig.Config, triggers []trigger) {
	o := c.Options
	// To servers from 1.13.0 on, a scheduled run that is put off has failed
	// (handleCron in pkg/execution/executor/service.go): their queue starts it
	// again, which puts off one more run, up to 21 times.
	isCron := func(t trigger) bool { return t.isCron }
	if o.Debounce != nil && slices.ContainsFunc(triggers, isCron) {
		c.Refuse("Debounce", o.Debounce.Period.String(), "cannot be combined with a schedule: "+
			"servers from 1.13 on run a debounced schedule again and again; leave out one of them")
	}
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
