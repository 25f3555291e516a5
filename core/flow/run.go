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

// BatchSteps sends results to the server for every n steps, at least 1, which is
// the default, and the last ones when the call ends. What was not sent when the
// process dies runs again.
func BatchSteps(n int) CheckpointOption {
	return suboption{name: "BatchSteps", set: func(s *settings) { s.batchSteps = &n }}
}

// BatchInterval sends results to the server at the latest d after the step, if
// [BatchSteps] has not sent them by then.
func BatchInterval(d time.Duration) CheckpointOption {
	return suboption{name: "BatchInterval", set: func(s *settings) { s.batchInterval = &d }}
}

// MaxRuntime ends a call after d, so that the server makes another to go on. By
// default a call lasts until a step has to wait.
func MaxRuntime(d time.Duration) CheckpointOption {
	return suboption{name: "MaxRuntime", set: func(s *settings) { s.maxRuntime = &d }}
}

// Checkpoint runs one step after the other in a single call and sends their
// results to the server meanwhile, instead of being called once for each step.
// That saves a round trip per step.
//
// Results are sent as all requests to the server are, several times if need be. If
// the server does not take them, the call ends there: they are its answer, and the
// function goes on in the next call. Servers up to 1.13.4 take none, so each step is a
// call of its own there, as without this option. Only the first time that the server
// refuses results, the answer may have several; what fails behind them in that call
// then runs once more than it has tries.
//
// A call that is not the first try ends with the first step that runs, so that what
// comes after it has tries of its own.
//
// Steps of the SDK's own package in such a function are sent when the call ends.
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
