package adaptertest

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/inngestkit/inngestkit/core/step"
)

// hangUps: a client that goes away while its call runs does no harm. Where the
// framework notices, the call ends early, and no further step runs.
func hangUps(t *testing.T, a Adapter) {
	var steps atomic.Int64
	started, release, ended := make(chan context.Context, 1), make(chan struct{}), make(chan error, 1)
	failed := make(chan struct{})
	i := start(t, a, setup{function: func(ctx context.Context, in input) (_ any, err error) {
		if in.Event.Data.ID != waits {
			return in.Event.Data.ID, nil
		}
		defer func() { ended <- err }() // also if the step unwinds the function
		started <- ctx
		select {
		case <-release:
		case <-failed:
		}
		return step.Run(ctx, "next", func(context.Context) (any, error) {
			return steps.Add(1), nil
		})
	}})
	t.Cleanup(func() { close(failed) }) // so that nothing waits for the call then
	for n, hangUp := range []func(*rawConn){
		func(conn *rawConn) { conn.reset(t) },
		func(conn *rawConn) { must(t, "Close", conn.Close()) },
	} {
		conn := i.dial(t)
		conn.send(t, i.rawCall(payload{ID: waits}))
		ctx := await(t, "the call has not begun", started)
		hangUp(conn)
		if a.CancelsOnHangUp {
			await(t, "the context does not end with its client", ctx.Done())
		}
		i.call(t, payload{ID: "other"}).returned(t, "other")
		release <- struct{}{}
		_ = await(t, "the call does not end", ended)
		if !a.CancelsOnHangUp {
			equal(t, "steps that have run", steps.Load(), int64(n+1))
		}
		i.call(t, payload{ID: "other"}).returned(t, "other")
	}
	if a.CancelsOnHangUp {
		equal(t, "steps that have run after their client was gone", steps.Load(), 0)
	}
}
