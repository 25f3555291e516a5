package inngestkit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/sdkconnect"
)

// is fails the test unless App.Connection returns want, and Ping agrees.
func (s *testServer) is(t *testing.T, want ConnectionState) {
	t.Helper()
	app := s.connector.app
	require.Equal(t, want, app.Connection())
	if want == ConnectionUnused {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // a request over the network fails
	if err := app.Ping(ctx); want == ConnectionConnected {
		require.NoError(t, err)
	} else {
		require.EqualError(t, err, "inngestkit: ping: not connected to http://127.0.0.1:8288 at the moment")
	}
}

// Connection returns the current state from the first attempt to the end of Connect.
func TestConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t)
		s.is(t, ConnectionUnused)
		s.connector.app.connecting.Store(true) // as Connect does
		s.refuse(errors.New("connection refused"))
		end := s.serve(t)
		s.is(t, ConnectionConnecting)
		s.refusal.Store(nil)
		time.Sleep(time.Second)
		s.is(t, ConnectionConnected)

		first := s.opened()[0]
		for range 2 { // the SDK reconnects
			first.state.Store(sdkconnect.StateReconnecting)
			s.is(t, ConnectionConnecting)
			time.Sleep(connectPatience / 2)
			s.is(t, ConnectionConnecting)
			first.state.Store(sdkconnect.StateActive)
			s.is(t, ConnectionConnected)
			time.Sleep(time.Hour)
			s.is(t, ConnectionConnected)
		}

		s.refuse(errors.New("connection refused"))
		first.state.Store(sdkconnect.StateReconnecting) // for longer than the SDK's attempts take
		time.Sleep(time.Hour)
		require.True(t, first.closed.Load())
		first.state.Store(sdkconnect.StateActive)
		s.is(t, ConnectionConnecting) // a closed connection does not count
		s.refusal.Store(nil)
		time.Sleep(2 * connectMaxWait)
		s.is(t, ConnectionConnected)

		require.NoError(t, end())
		s.opened()[1].state.Store(sdkconnect.StateActive)
		s.is(t, ConnectionConnecting)
		s.connector.app.connecting.Store(false)
		s.is(t, ConnectionUnused)
	})
}

// While the app drains it is connected: running calls reply over the connection.
func TestConnectionWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newTestServer(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			<-release
			return "done", nil
		}))
		s.connector.app.connecting.Store(true)
		end := s.serve(t)
		replied := make(chan sdkconnect.Response, 1)
		go func() { replied <- s.connector.Call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }()
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		time.Sleep(time.Hour)
		s.is(t, ConnectionConnected)
		s.opened()[0].state.Store(sdkconnect.StateReconnecting)
		s.is(t, ConnectionConnecting)
		s.opened()[0].state.Store(sdkconnect.StateActive)
		s.is(t, ConnectionConnected)

		close(release)
		require.Equal(t, 200, (<-replied).Status)
		s.connector.Acknowledged()
		require.NoError(t, <-ended)
		s.is(t, ConnectionConnecting)
	})
}
