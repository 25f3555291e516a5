package flow

import (
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// CheckpointOption is an option of [Checkpoint]: [BatchSteps], [BatchInterval] or
// [MaxRuntime].
type CheckpointOption interface {
	part
	ofCheckpoint()
}

// BatchSteps sends results to the server after every n steps, and the rest when the call
// ends. n is at least 1, which is the default. If the process dies, steps whose results were
// not sent run again.
func BatchSteps(n int) CheckpointOption {
	return suboption{name: "BatchSteps", set: func(s *settings) { s.batchSteps = &n }}
}

// BatchInterval limits how long a result waits for [BatchSteps]: it is sent at most d after
// the step. d must be more than 0. By default the time is not limited.
func BatchInterval(d time.Duration) CheckpointOption {
	return suboption{name: "BatchInterval", set: func(s *settings) { s.batchInterval = &d }}
}

// MaxRuntime ends a call after d, and the server continues the run with another call. d
// must be more than 0. By default a call lasts until a step has to wait.
func MaxRuntime(d time.Duration) CheckpointOption {
	return suboption{name: "MaxRuntime", set: func(s *settings) { s.maxRuntime = &d }}
}

// Checkpoint runs several steps in a single call and sends their results to the server
// meanwhile. Without it, the server makes a call for each step. Checkpoint saves that round
// trip.
//
// Like all requests to the server, sending results is retried. If the server does not accept
// them, the call ends: its response has the results, and the function continues in the next
// call. Servers up to 1.13.4 do not accept results, so each step needs a call, as without this
// option. Only the first time that the server refuses results can the response have several
// of them. A step or function that fails after them in the same call then has one more
// attempt.
//
// A retried call ends with the first step that runs, so what follows has all its attempts.
//
// Results of steps of the SDK's own package are sent when the call ends.
func Checkpoint(options ...CheckpointOption) inngestkit.Option {
	return option("Checkpoint", nil, func(c *fnconfig.Config) {
		s := read(c, "Checkpoint", options)
		config := &checkpoint.Config{}
		if s.batchSteps != nil {
			checkLimit(c, "Checkpoint.BatchSteps", *s.batchSteps)
			config.BatchSteps = *s.batchSteps
		}
		if s.batchInterval != nil {
			checkPositive(c, "Checkpoint.BatchInterval", *s.batchInterval)
			config.BatchInterval = *s.batchInterval
		}
		if s.maxRuntime != nil {
			checkPositive(c, "Checkpoint.MaxRuntime", *s.maxRuntime)
			config.MaxRuntime = *s.maxRuntime
		}
		c.Options.Checkpoint = config
	})
}

// maxRetries is MaxRetries in the server's pkg/consts. The server reduces higher values to it.
const maxRetries = 20

// Retries sets how often the server retries a step that fails, or a function that fails
// outside a step: 0 to 20 times. The default is 4.
func Retries(n int) inngestkit.Option {
	return option("Retries", n, func(c *fnconfig.Config) {
		if n < 0 || n > maxRetries {
			c.Refuse("Retries", n, "is out of range; it must be at least 0 and at most %d", maxRetries)
		}
		c.Options.Retries = &n
	})
}

// Priority moves a run in the queue of the function's runs. The value of the expression
// is in seconds: with 120, a run starts before runs that were scheduled up to two minutes
// earlier; with a negative value, it lets later runs start first.
//
// The value must be an integer, from -600 to 600 according to Inngest's documentation. The
// server ignores other values, and reduces larger integers to 12 h.
//
//	flow.Priority("event.data.plan == 'pro' ? 120 : 0")
//
// Priority cannot be combined with [BatchEvents].
func Priority(expression string) inngestkit.Option {
	return option("Priority", expression, func(c *fnconfig.Config) {
		checkExpression(c, "Priority", expression)
		c.Options.Priority = &inngestgo.ConfigPriority{Run: &expression}
	})
}
