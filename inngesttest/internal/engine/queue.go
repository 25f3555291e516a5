package engine

import (
	"container/heap"
	"slices"
	"time"
)

// itemKind tells apart why the app is called.
type itemKind int

const (
	kindTimer     itemKind = iota // the item calls no app
	kindStart                     // the first call of a run
	kindEdge                      // the call after a step, or for a planned step
	kindEdgeError                 // the call after a step that has failed for good
	kindSleep                     // the call after a sleep
)

// An item of the queue runs a func at a time, or calls an app.
type item struct {
	at time.Time
	// score orders the items that are due, in milliseconds; seq those with equal scores.
	score int64
	seq   uint64

	do func() // nil for a call

	kind    itemKind
	run     *Run
	attempt int
	// target is the key of the step that the call is for, "" for all that follows.
	target string
	// sleep is the key of the sleep that ends when the item is due.
	sleep string
	// after is the key of the step whose end made this item, "" for none.
	after string
	// job is the item's ID, as JSON.
	job []byte
	// waiting says which limit holds the item back, "" if none does.
	waiting string
	// running reports whether the app is being called, and released whether release was
	// called since.
	running, released bool
	// in is the heap that has the item, nil if none has, and index is where.
	in    *itemHeap
	index int
}

// futureLimit is how far ahead an item may be due to be ordered by its run (FutureAtLimit in
// pkg/consts of the server).
const futureLimit = 2 * time.Second

// score returns by what a call that is put into the queue at now is ordered: by the age of its
// run and the run's priority, or by the time at which it is due (pkg/execution/queue/item.go of
// the server).
func score(it *item, now time.Time) int64 {
	due := it.at.UnixMilli()
	if due > now.Add(futureLimit).UnixMilli() {
		return due
	}
	score := it.run.born
	if it.kind != kindSleep {
		score -= it.run.priority
	}
	return score
}

// A queue has the items in heaps: by time, and those that are due by score.
type queue struct {
	later, due itemHeap
	// held are the due items that limits hold back. order has them in the order in which
	// their limits were reached first.
	held  map[limit]*heldItems
	order []*heldItems
	seq   uint64
}

// limit is why items are held back: their function, and the limit with its key. While the
// limit holds back one of them, it holds back all.
type limit struct {
	function *Function
	reason   string
}

// heldItems are the items that one limit holds back.
type heldItems struct {
	limit limit
	items itemHeap
	// closed reports that the limit was asked since retry, and holds the items back.
	closed bool
}

func newQueue() queue {
	return queue{later: itemHeap{before: earlier}, due: itemHeap{before: ahead}, held: map[limit]*heldItems{}}
}

// earlier orders items that are not due yet.
func earlier(a, b *item) bool {
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	return a.seq < b.seq
}

// ahead orders items that are due.
func ahead(a, b *item) bool {
	if a.score != b.score {
		return a.score < b.score
	}
	return a.seq < b.seq
}

// add puts an item into the queue. It numbers it, unless it is an item that returns.
func (q *queue) add(it *item) {
	if it.seq == 0 {
		q.seq++
		it.seq = q.seq
	}
	q.later.push(it)
}

// next returns the time of the earliest item that is not due yet.
func (q *queue) next() (time.Time, bool) {
	if it := q.later.first(); it != nil {
		return it.at, true
	}
	return time.Time{}, false
}

// mature moves the items whose time has come to those that are due.
func (q *queue) mature(now time.Time) {
	for it := q.later.first(); it != nil && !it.at.After(now); it = q.later.first() {
		q.remove(it)
		q.due.push(it)
	}
}

// take returns the first item that is due and that no limit is known to hold back, nil if
// there is none.
func (q *queue) take() *item {
	best := q.due.first()
	for _, h := range q.order {
		if it := h.items.first(); !h.closed && it != nil && (best == nil || ahead(it, best)) {
			best = it
		}
	}
	if best != nil {
		q.remove(best)
	}
	return best
}

// back returns an item that was taken.
func (q *queue) back(it *item) { q.due.push(it) }

// hold keeps an item that a limit holds back until retry is called.
func (q *queue) hold(it *item, reason string) {
	key := limit{it.run.Function, reason}
	h := q.held[key]
	if h == nil {
		h = &heldItems{limit: key, items: itemHeap{before: ahead}}
		q.held[key] = h
		q.order = append(q.order, h)
	}
	h.closed = true
	h.items.push(it)
}

// retry lets the limits be asked again for the items that they hold back.
func (q *queue) retry() {
	q.order = slices.DeleteFunc(q.order, func(h *heldItems) bool {
		h.closed = false
		if h.items.first() != nil {
			return false
		}
		delete(q.held, h.limit)
		return true
	})
}

// remove takes an item out of the queue, if it is there.
func (q *queue) remove(it *item) {
	if it.in != nil {
		heap.Remove(it.in, it.index)
	}
}

// An itemHeap has items in the order that before defines, for package heap.
type itemHeap struct {
	items  []*item
	before func(a, b *item) bool
}

func (h *itemHeap) Len() int { return len(h.items) }

func (h *itemHeap) Less(i, j int) bool { return h.before(h.items[i], h.items[j]) }

func (h *itemHeap) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].index, h.items[j].index = i, j
}

func (h *itemHeap) Push(x any) {
	it, _ := x.(*item)
	it.in, it.index = h, len(h.items)
	h.items = append(h.items, it)
}

func (h *itemHeap) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	it.in = nil
	h.items[last] = nil
	h.items = h.items[:last]
	return it
}

func (h *itemHeap) push(it *item) { heap.Push(h, it) }

// first returns the first item, nil if there is none.
func (h *itemHeap) first() *item {
	if len(h.items) == 0 {
		return nil
	}
	return h.items[0]
}
