package inngestkit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo/connect"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// is fails the test unless App.Connection says so, and Ping with it.
func (l *lines) is(t *testing.T, connecting, connected bool) {
	t.Helper()
	app := l.connection.app
	gotConnecting, gotConnected := app.Connection()
	require.Equal(t, []bool{connecting, connected}, []bool{gotConnecting, gotConnected})
	if !connecting {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nothing is asked over the network, which would fail
	if err := app.Ping(ctx); connected {
		require.NoError(t, err)
	} else {
		require.EqualError(t, err, "inngestkit: ping: not connected to http://127.0.0.1:8288 at the moment")
	}
}

// Connection tells the truth from the beginning to the end.
func TestConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLines(t)
		l.is(t, false, false)
		l.connection.app.connected.Store(true) // as Connect does
		l.refuse(errors.New("connection refused"))
		end := l.serve(t)
		l.is(t, true, false)
		l.refusal.Store(nil)
		time.Sleep(time.Second)
		l.is(t, true, true)

		first := l.opened()[0]
		for range 2 { // the SDK mends it
			first.state.Store(connect.ConnectionStateReconnecting)
			l.is(t, true, false)
			time.Sleep(connectPatience / 2)
			l.is(t, true, false)
			first.state.Store(connect.ConnectionStateActive)
			l.is(t, true, true)
			time.Sleep(time.Hour)
			l.is(t, true, true)
		}

		l.refuse(errors.New("connection refused"))
		first.state.Store(connect.ConnectionStateReconnecting) // for longer than the SDK's tries take
		time.Sleep(time.Hour)
		require.True(t, first.closed.Load())
		first.state.Store(connect.ConnectionStateActive)
		l.is(t, true, false) // what has been closed does not count
		l.refusal.Store(nil)
		time.Sleep(2 * connectMaxWait)
		l.is(t, true, true)

		require.NoError(t, end())
		l.opened()[1].state.Store(connect.ConnectionStateActive)
		l.is(t, true, false)
		l.connection.app.connected.Store(false)
		l.is(t, false, false)
	})
}

// While the app drains the connection is there: calls that run answer over it.
func TestConnectionWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := newLines(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			<-release
			return "done", nil
		}))
		l.connection.app.connected.Store(true)
		end := l.serve(t)
		replied := make(chan *adapter.Response, 1)
		go func() { replied <- l.connection.call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }()
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		time.Sleep(time.Hour)
		l.is(t, true, true)
		l.opened()[0].state.Store(connect.ConnectionStateReconnecting)
		l.is(t, true, false)
		l.opened()[0].state.Store(connect.ConnectionStateActive)
		l.is(t, true, true)

		close(release)
		require.Equal(t, 200, (<-replied).Status)
		l.connection.acknowledged()
		require.NoError(t, <-ended)
		l.is(t, true, false)
	})
}
