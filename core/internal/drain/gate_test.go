package drain_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/inngestkit/inngestkit/core/internal/drain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCloseWaitsForEverythingAdmitted(t *testing.T) {
	t.Parallel()
	g := drain.NewGate(0)
	require.True(t, g.Enter())
	require.NoError(t, g.EnterCall(t.Context()))
	require.Equal(t, 1, g.InFlight(), "other work is not a call")
	require.False(t, g.IsClosed())

	idle := g.Close()
	require.True(t, g.IsClosed())
	require.ErrorIs(t, g.Closing().Err(), context.Canceled)
	require.False(t, g.Enter())
	require.ErrorIs(t, g.EnterCall(t.Context()), drain.ErrClosed)
	g.Leave()
	requireOpen(t, idle)
	g.LeaveCall()
	<-idle
	require.Zero(t, g.InFlight())
	<-g.Close() // a second Close is harmless
}

func TestCloseOfAnIdleGate(t *testing.T) {
	t.Parallel()
	g := drain.NewGate(1)
	<-g.Close()
	<-g.Close()
	require.ErrorIs(t, g.EnterCall(t.Context()), drain.ErrClosed)
}

func requireOpen(t *testing.T, idle <-chan struct{}) {
	t.Helper()
	select {
	case <-idle:
		require.Fail(t, "the gate reports that nothing runs, but something does")
	default:
	}
}

// A call waits for a place until one is free, its context is done or the gate closes.
func TestEnterCallWaitsForAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := drain.NewGate(1)
		require.NoError(t, g.EnterCall(t.Context()))
		require.True(t, g.Enter(), "other work needs no place")
		defer g.Leave()

		entered := make(chan error, 1)
		enter := func(ctx context.Context) { go func() { entered <- g.EnterCall(ctx) }() }
		enter(t.Context())
		synctest.Wait()
		require.Empty(t, entered)
		g.LeaveCall()
		require.NoError(t, <-entered)
		require.Equal(t, 1, g.InFlight())

		ctx, cancel := context.WithCancelCause(t.Context())
		enter(ctx)
		gone := errors.New("the caller hung up")
		cancel(gone)
		err := <-entered
		require.ErrorIs(t, err, gone)
		require.ErrorIs(t, err, context.Canceled)

		enter(t.Context())
		synctest.Wait()
		g.Close()
		require.ErrorIs(t, <-entered, drain.ErrClosed)
		g.LeaveCall()
	})
}

// A call whose context has ended while it waited does not take the place that becomes free.
func TestEndedCallsTakeNoPlace(t *testing.T) {
	t.Parallel()
	for range 100 { // select chooses at random
		g := drain.NewGate(1)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, g.EnterCall(ctx), context.Canceled)
		require.NoError(t, g.EnterCall(t.Context()), "the place is free")
		g.LeaveCall()
	}
}
