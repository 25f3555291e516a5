package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	coreflow "github.com/inngestkit/inngestkit/core/flow"
)

// Items that a limit holds back wait for it in their order, and do not hold up others.
func TestHeld(t *testing.T) {
	t.Parallel()
	q := newQueue()
	a, b := &Function{Slug: "a"}, &Function{Slug: "b"}
	newItem := func(fn *Function, score int64) *item {
		return &item{run: &Run{Function: fn}, at: start, score: score}
	}
	a1, a2, a3, b1, b2 := newItem(a, 1), newItem(a, 2), newItem(a, 4), newItem(b, 3), newItem(b, 5)
	for _, it := range []*item{b2, a3, b1, a2, a1} {
		q.add(it)
	}
	q.mature(start)
	for _, want := range []*item{a1, a2} {
		require.Same(t, want, q.take())
		q.hold(want, "full")
	}
	require.Same(t, b1, q.take())
	q.hold(b1, "full")
	q.retry()
	require.Same(t, a1, q.take(), "the limit has a place")
	require.Same(t, a2, q.take())
	q.hold(a2, "full again")
	q.remove(b1)
	require.Same(t, a3, q.take())
	require.Same(t, b2, q.take())
	require.Nil(t, q.take(), "a2 is held back")
	q.retry()
	require.Same(t, a2, q.take())
	q.retry()
	require.Nil(t, q.take())
	require.Empty(t, q.held)
	require.Empty(t, q.order)
}

// A run says which limit holds it back.
func TestRunHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t, Config{})
	s.add("shop", onOrder(func(context.Context, inngestkit.Input[order]) (int, error) { return 1, nil },
		coreflow.Throttle(1, time.Minute)))
	for range 2 {
		s.sendRaw(`{"name":"shop/test","data":{}}`)
	}
	s.settle()
	runs := s.Runs()
	require.Equal(t, Completed, runs[0].Status)
	require.Contains(t, runs[1].Held, "throttle")
	s.pass(time.Minute)
	require.Equal(t, Completed, runs[1].Status)
	require.Empty(t, runs[1].Held)
}
