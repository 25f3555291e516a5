package limits

import (
	"container/heap"
	"time"
)

// dues has values that are due at a time of their own, the earliest first, and of those due
// at the same time the one that was added first. The zero value is empty.
type dues[T any] struct {
	heap  dueHeap[T]
	added int
}

// due is a value in dues.
type due[T any] struct {
	value T
	at    time.Time
	seq   int
	index int // in the heap
}

func (d *dues[T]) add(value T, at time.Time) *due[T] {
	added := &due[T]{value: value, at: at, seq: d.added}
	d.added++
	heap.Push(&d.heap, added)
	return added
}

func (d *dues[T]) move(moved *due[T], at time.Time) {
	moved.at = at
	heap.Fix(&d.heap, moved.index)
}

func (d *dues[T]) remove(removed *due[T]) { heap.Remove(&d.heap, removed.index) }

// next returns when the first value is due.
func (d *dues[T]) next() (at time.Time, ok bool) {
	if len(d.heap) == 0 {
		return time.Time{}, false
	}
	return d.heap[0].at, true
}

// pop removes the first value if it is due.
func (d *dues[T]) pop(now time.Time) (value T, ok bool) {
	if at, waiting := d.next(); !waiting || now.Before(at) {
		return value, false
	}
	return heap.Pop(&d.heap).(*due[T]).value, true
}

// dueHeap implements [heap.Interface].
type dueHeap[T any] []*due[T]

func (h dueHeap[T]) Len() int { return len(h) }

func (h dueHeap[T]) Less(i, j int) bool {
	if order := h[i].at.Compare(h[j].at); order != 0 {
		return order < 0
	}
	return h[i].seq < h[j].seq
}

func (h dueHeap[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *dueHeap[T]) Push(x any) {
	added := x.(*due[T])
	added.index = len(*h)
	*h = append(*h, added)
}

func (h *dueHeap[T]) Pop() any {
	last := len(*h) - 1
	popped := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return popped
}
