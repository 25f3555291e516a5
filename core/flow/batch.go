package flow

import (
	"time"

	"github.com/inngest/inngestgo"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// The server's limits on batches: EventBatchConfig.IsValid in its pkg/inngest/batch.go.
const (
	minBatchSize    = 2
	minBatchTimeout = time.Second
)

// BatchOption is an option of [BatchEvents]: a [Key] or an [If].
type BatchOption interface {
	part
	ofBatch()
}

// BatchEvents collects events and starts one run with all of them. The function gets them
// as in.Events, in the order in which they arrived. The run starts when maxSize events, at
// least 2, have arrived, or timeout, at least 1 s, after the first. With a [Key], each of
// its values has a separate batch. An event for which [If] does not hold starts a run at
// once.
//
// Servers since 1.16.2 notice that a batch is full only if its events arrive within half
// a second of each other. Otherwise the batch waits for its timeout, so choose a short one.
// Events within that half second may change their order. Servers since 1.13 do not
// batch schedules: each starts a run with one event at once.
//
// A batch of more than 10 MiB starts early. Inngest Cloud has limits by plan, which its
// server does not check at the sync: at most 5, 100 or 500 events, and 30 s or 5 min.
//
// BatchEvents cannot be combined with [CancelOn], [Debounce], [Singleton], [Priority],
// [RateLimit] or [Idempotency].
func BatchEvents(maxSize int, timeout time.Duration, options ...BatchOption) inngestkit.Option {
	return option("BatchEvents", maxSize, func(c *fnconfig.Config) {
		s := read(c, "BatchEvents", options)
		if maxSize < minBatchSize {
			c.Refuse("BatchEvents.MaxSize", maxSize, "is out of range; a batch has at least %d events", minBatchSize)
		}
		if timeout < minBatchTimeout {
			c.Refuse("BatchEvents.Timeout", timeout.String(), "is out of range; it must be at least %s", minBatchTimeout)
		}
		c.Options.BatchEvents = &inngestgo.ConfigBatchEvents{
			MaxSize: maxSize, Timeout: timeout,
			Key: checkKey(c, "BatchEvents", s), If: checkConditions(c, "BatchEvents", s, nil),
		}
	})
}
