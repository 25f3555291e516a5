package manifest

import (
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"
)

// This file has the options that a sync writes differently from the SDK.
//
// The server reads durations in two syntaxes. It parses the timeout of a batch with
// time.ParseDuration (pkg/inngest/batch.go). It parses the period and timeout of a
// debounce, the periods of rate limit and throttle, both timeouts, the timeout of a
// cancellation, the jitter of a schedule and the times of a checkpoint with str2duration,
// which also knows days and weeks and reads everything that Go writes
// (pkg/inngest/function.go and trigger.go, pkg/execution/executor, pkg/util/strduration).
// The SDK writes days and weeks for all of them.

// batchConfig has its timeout in Go's syntax, because the server refuses the SDK's "1d".
type batchConfig struct {
	Key     *string `json:"key,omitempty"`
	MaxSize int     `json:"maxSize"`
	Timeout string  `json:"timeout"`
	If      *string `json:"if,omitempty"`
}

func batchOf(c *inngestgo.ConfigBatchEvents) *batchConfig {
	if c == nil {
		return nil
	}
	return &batchConfig{Key: c.Key, MaxSize: c.MaxSize, Timeout: c.Timeout.String(), If: c.If}
}

// checkpointConfig has both times as text, as docs/SDK_SPEC.md, 10.1.1, defines them. The
// SDK writes the second one as a number of nanoseconds.
type checkpointConfig struct {
	BatchSteps    int    `json:"batch_steps,omitempty"`
	BatchInterval string `json:"batch_interval,omitempty"`
	MaxRuntime    string `json:"max_runtime,omitempty"`
}

func checkpointOf(c *checkpoint.Config) *checkpointConfig {
	if c == nil {
		return nil
	}
	text := func(d time.Duration) string {
		if d == 0 {
			return ""
		}
		return d.String()
	}
	return &checkpointConfig{
		BatchSteps: c.BatchSteps, BatchInterval: text(c.BatchInterval), MaxRuntime: text(c.MaxRuntime),
	}
}

// concurrencyOf returns the concurrency in the form that every server reads. The form
// that the SDK sends, {"step": […]}, is newer: servers up to 1.17 read it as one limit of
// 0 and do not limit anything. The older list means the same to all of them, but cannot
// express limits on whole runs.
func concurrencyOf(c *inngestgo.ConfigConcurrency) any {
	switch {
	case c == nil:
		return nil
	case len(c.Fn) == 0:
		return c.Step
	case len(c.Step) == 0:
		return c
	default:
		return runsAndSteps{c, c.Step[0]}
	}
}

// runsAndSteps has limits on runs and on steps. It repeats the first limit on steps at
// the top level, where the older servers read their one limit; newer ones ignore it there
// (ConcurrencyLimits.UnmarshalJSON in their pkg/inngest).
type runsAndSteps struct {
	*inngestgo.ConfigConcurrency
	inngestgo.ConfigStepConcurrency
}
