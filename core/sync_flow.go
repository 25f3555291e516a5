package inngestkit

import (
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"
)

// What the payload of a sync writes differently from the SDK.
//
// The server reads durations in two syntaxes. The timeout of a batch it parses
// with time.ParseDuration (pkg/inngest/batch.go); the period and timeout of a
// debounce, the periods of rate limit and throttle, both timeouts, the timeout of
// a cancellation, the jitter of a schedule and the times of a checkpoint with
// str2duration, which knows days and weeks besides and takes all that Go writes
// (pkg/inngest/function.go and trigger.go, pkg/execution/executor,
// pkg/util/strduration). The SDK writes days and weeks for all of them.

// batchConfig has its timeout in Go's syntax: the SDK's "1d" is refused.
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

// checkpointConfig has both times as text, as docs/SDK_SPEC.md, 10.1.1, has them;
// the SDK writes the second one as a number of nanoseconds.
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

// concurrencyOf is the concurrency in the form every server reads. The form the
// SDK sends, {"step": […]}, is newer: servers up to 1.17 take it for one limit of
// 0 and do not limit anything. The older list means the same to all of them, but
// has no room for limits on whole runs.
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

// runsAndSteps has limits on runs and on steps. The first limit on steps is in it
// a second time, as the one limit for which the older servers take it; newer ones
// pass over that (ConcurrencyLimits.UnmarshalJSON of their pkg/inngest).
type runsAndSteps struct {
	*inngestgo.ConfigConcurrency
	inngestgo.ConfigStepConcurrency
}
