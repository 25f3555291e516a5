package limits

import (
	"slices"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// Batches collects the events of one function in batches, by key. [version.Oldest] starts a
// batch as soon as it is full. [version.Newest] first buffers the events of a key for half
// a second, and writes them to the batch together. Only a batch that one such write both
// opens and fills starts at once; one that a later write fills waits for its timeout, as if
// it were not full (pkg/execution/batch of the server, buffer.go and ScheduleExecution).
//
// Callers do not pass events for which the condition of the batch does not hold, because
// these start runs alone, nor those whose key expression fails, which are lost.
type Batches[E any] struct {
	version version.Version
	maxSize int
	timeout time.Duration

	buffers map[string]*due[*batchBuffer[E]] // by key
	flushes dues[*batchBuffer[E]]
	open    map[string]*due[*batch[E]] // by key
	waiting dues[*batch[E]]            // due at their timeout, open ones and full ones
	seen    expiring[struct{}]         // IDs of events
}

// A Batch has the events of one run, in the order in which they arrived.
type Batch[E any] struct {
	Key    string
	Events []E
}

type batch[E any] struct {
	Batch[E]

	size int
}

// batchBuffer has the events of a key that [version.Newest] has not written yet.
type batchBuffer[E any] struct {
	key    string
	events []batchEvent[E]
	size   int
}

type batchEvent[E any] struct {
	id    string
	event E
	size  int
}

// Limits of pkg/execution/batch of the server.
const (
	batchSizeLimit   = 10 << 20
	bufferSizeLimit  = 4 << 20
	bufferTime       = 500 * time.Millisecond
	batchedEventsTTL = 30 * time.Minute
)

// batchItemOverhead is what the server stores with an event: IDs and names of its
// BatchItem in JSON, and the header of a string of the in-memory Redis, which counts it
// (MEMORY USAGE). Other Redis servers differ by a few bytes per event.
const batchItemOverhead = 246 + 16

// NewBatches returns Batches of maxSize events, which start timeout after their first event
// if they are not full before.
func NewBatches[E any](v version.Version, maxSize int, timeout time.Duration) *Batches[E] {
	return &Batches[E]{
		version: v, maxSize: maxSize, timeout: timeout,
		buffers: map[string]*due[*batchBuffer[E]]{}, open: map[string]*due[*batch[E]]{},
	}
}

// Add adds an event to the batch of key, and returns the batches that start now. id is the
// ID that the server gave to the event: it ignores an event that it has added within 30
// minutes. size is the length of the event in JSON. A batch of 10 MiB counts as full.
func (b *Batches[E]) Add(key, id string, size int, event E, now time.Time) (started []Batch[E]) {
	added := batchEvent[E]{id: id, event: event, size: size}
	if b.version == version.Oldest {
		return b.write(key, []batchEvent[E]{added}, now)
	}
	buffered := b.buffers[key]
	if buffered == nil {
		buffered = b.flushes.add(&batchBuffer[E]{key: key}, now.Add(min(bufferTime, b.timeout)))
		b.buffers[key] = buffered
	}
	buffer := buffered.value
	if slices.ContainsFunc(buffer.events, func(e batchEvent[E]) bool { return e.id == id }) {
		return nil
	}
	buffer.events = append(buffer.events, added)
	buffer.size += size
	if len(buffer.events) < b.maxSize && buffer.size < bufferSizeLimit {
		return nil
	}
	b.flushes.remove(buffered)
	delete(b.buffers, key)
	return b.write(key, buffer.events, now)
}

// Next returns the time at which [Batches.Due] must be called next, and false if nothing
// waits.
func (b *Batches[E]) Next() (at time.Time, ok bool) {
	flush, buffered := b.flushes.next()
	start, waiting := b.waiting.next()
	if buffered && (!waiting || flush.Before(start)) {
		return flush, true
	}
	return start, waiting
}

// Due writes the buffers that are due, and returns the batches that start now.
func (b *Batches[E]) Due(now time.Time) (started []Batch[E]) {
	for buffer, ok := b.flushes.pop(now); ok; buffer, ok = b.flushes.pop(now) {
		delete(b.buffers, buffer.key)
		started = append(started, b.write(buffer.key, buffer.events, now)...)
	}
	for waiting, ok := b.waiting.pop(now); ok; waiting, ok = b.waiting.pop(now) {
		if current := b.open[waiting.Key]; current != nil && current.value == waiting {
			delete(b.open, waiting.Key)
		}
		started = append(started, waiting.Batch)
	}
	return started
}

// write adds events to the batch of key in one step, and opens another for those that have
// no place in it. There are at most maxSize events.
func (b *Batches[E]) write(key string, events []batchEvent[E], now time.Time) (started []Batch[E]) {
	fresh := make([]batchEvent[E], 0, len(events))
	for _, e := range events {
		if _, _, known := b.seen.get(e.id, now); known {
			continue
		}
		b.seen.set(e.id, struct{}{}, now.Add(batchedEventsTTL), now)
		fresh = append(fresh, e)
	}
	if len(fresh) == 0 {
		return nil
	}
	current := b.open[key]
	opened := current == nil
	if opened {
		current = b.openBatch(key, now)
	}
	filling := current.value
	fit := min(len(fresh), b.maxSize-len(filling.Events))
	filling.add(fresh[:fit])
	if len(filling.Events) < b.maxSize && filling.size < batchSizeLimit {
		return nil
	}
	delete(b.open, key)
	if opened || b.version == version.Oldest {
		b.waiting.remove(current)
		started = append(started, filling.Batch)
	}
	if fit < len(fresh) {
		b.openBatch(key, now).value.add(fresh[fit:])
	}
	return started
}

func (b *Batches[E]) openBatch(key string, now time.Time) *due[*batch[E]] {
	opened := b.waiting.add(&batch[E]{Batch: Batch[E]{Key: key}}, now.Add(b.timeout))
	b.open[key] = opened
	return opened
}

func (b *batch[E]) add(events []batchEvent[E]) {
	for _, e := range events {
		b.Events = append(b.Events, e.event)
		b.size += e.size + batchItemOverhead
	}
}
