package engine

import (
	"container/heap"
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
	// waiting says which limit holds the item back.
	waiting string
	// running reports whether the app is being called, and released whether release was
	// called since.
	running, released bool
	// gone reports that the item must not run any more.
	gone bool

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

// A queue has the items in two heaps: by time, and those that are due by score.
type queue struct {
	later later
	due   due
	// held are the due items that a limit holds back.
	held []*item
	seq  uint64
}

// later is a heap by (at, seq).
type later []*item

func (l later) Len() int { return len(l) }

func (l later) Less(i, j int) bool {
	if !l[i].at.Equal(l[j].at) {
		return l[i].at.Before(l[j].at)
	}
	return l[i].seq < l[j].seq
}

func (l later) Swap(i, j int) {
	l[i], l[j] = l[j], l[i]
	l[i].index, l[j].index = i, j
}

func (l *later) Push(x any) {
	it := x.(*item)
	it.index = len(*l)
	*l = append(*l, it)
}

func (l *later) Pop() any {
	last := len(*l) - 1
	it := (*l)[last]
	(*l)[last] = nil
	*l = (*l)[:last]
	it.index = -1
	return it
}

// due is a heap by (score, seq).
type due []*item

func (d due) Len() int { return len(d) }

func (d due) Less(i, j int) bool {
	if d[i].score != d[j].score {
		return d[i].score < d[j].score
	}
	return d[i].seq < d[j].seq
}

func (d due) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

func (d *due) Push(x any) { *d = append(*d, x.(*item)) }

func (d *due) Pop() any {
	last := len(*d) - 1
	it := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return it
}

// add puts an item into the queue. It numbers it, unless it is an item that returns.
func (q *queue) add(it *item) {
	if it.seq == 0 {
		q.seq++
		it.seq = q.seq
	}
	heap.Push(&q.later, it)
}

// next returns the time of the earliest item that is not due yet.
func (q *queue) next() (time.Time, bool) {
	if len(q.later) == 0 {
		return time.Time{}, false
	}
	return q.later[0].at, true
}

// mature moves the items whose time has come to those that are due.
func (q *queue) mature(now time.Time) (any bool) {
	for len(q.later) > 0 && !q.later[0].at.After(now) {
		heap.Push(&q.due, heap.Pop(&q.later))
		any = true
	}
	return any
}

// take returns the first item that is due, nil if nothing is.
func (q *queue) take() *item {
	for len(q.due) > 0 {
		if it := heap.Pop(&q.due).(*item); !it.gone {
			return it
		}
	}
	return nil
}

// hold keeps an item that a limit holds back.
func (q *queue) hold(it *item) { q.held = append(q.held, it) }

// retry lets the limits be asked again for the items that they hold back.
func (q *queue) retry() {
	for i, it := range q.held {
		if !it.gone {
			heap.Push(&q.due, it)
		}
		q.held[i] = nil
	}
	q.held = q.held[:0]
}

// remove takes an item out of the queue.
func (q *queue) remove(it *item) {
	it.gone = true
	if it.index >= 0 && it.index < len(q.later) && q.later[it.index] == it {
		heap.Remove(&q.later, it.index)
	}
}
