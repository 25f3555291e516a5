package flow

import (
	"time"

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
	return option("Checkpoint", "", func(c *fnconfig.Config) {
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
