package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// The server's limits on batches, EventBatchConfig.IsValid of its
// pkg/inngest/batch.go.
const (
	minBatchSize    = 2
	minBatchTimeout = time.Second
)

// BatchOption is an option of [BatchEvents]: a [Key] or an [If].
type BatchOption interface {
	part
	ofBatch()
}

// BatchEvents collects events and starts one run with all of them, in.Events, in
// the order they came in: when maxSize events have come, at least 2, or timeout
// after the first, at least 1 s. With a [Key] each value of it has a batch of its
// own; events for which [If] does not hold start a run each, at once.
//
// Servers from 1.16.2 on see that a batch is full only if its events come within
// half a second of each other; else it waits for its timeout, so choose one that you
// can wait for. What arrives within that half second may change places. Servers from
// 1.13 on do not batch schedules: each starts a run with one event, at once.
//
// A batch of more than 10 MiB starts early. Inngest's cloud has limits by plan,
// which its server does not check at the sync: at most 5, 100 or 500 events, and
// 30 s or 5 min.
//
// It cannot be combined with [CancelOn], [Debounce], [Singleton], [Priority],
// [RateLimit] or [Idempotency].
func BatchEvents(maxSize int, timeout time.Duration, options ...BatchOption) inngestkit.Option {
	return option("BatchEvents", maxSize, func(c *fnconfig.Config) {
		s := read(c, "BatchEvents", options)
		if maxSize < minBatchSize {
			c.Refuse("BatchEvents.MaxSize", maxSize, "is out of range; a batch has at least %d events", minBatchSize)
		}
		if timeout < minBatchTimeout {
			c.Refuse("BatchEvents.Timeout", timeout.String(), "is out of range; it is at least %s", minBatchTimeout)
		}
		c.Options.BatchEvents = &inngestgo.ConfigBatchEvents{
			MaxSize: maxSize, Timeout: timeout,
			Key: checkKey(c, "BatchEvents", s), If: checkConditions(c, "BatchEvents", s, nil),
		}
	})
}
