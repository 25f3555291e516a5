package inngestkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/sdkconnect"
)

// logged is a log that may be read while it is written.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

// testServer is a server without a network, and the connections to it.
type testServer struct {
	connector *connector
	log       *logged
	refusal   atomic.Pointer[error]

	mu   sync.Mutex
	list []*testConn
}

// opened lists the connections that have been opened.
func (s *testServer) opened() []*testConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list
}

// testConn is a connection whose state a test sets.
type testConn struct {
	state  atomic.Value
	closed atomic.Bool
}

func (c *testConn) State() sdkconnect.State {
	state, _ := c.state.Load().(sdkconnect.State)
	return state
}

func (c *testConn) Close() {
	c.closed.Store(true)
	c.state.Store(sdkconnect.StateClosed)
}

// noAPI keeps tests away from a dev server on the same machine.
type noAPI struct{}

func (noAPI) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no API here") }

func newTestServer(t *testing.T, functions ...Function) *testServer {
	t.Helper()
	var log logged
	app, err := New(Config{
		AppID: "app", Dev: true, Logger: slog.New(slog.NewTextHandler(&log, nil)), HTTPClient: &http.Client{Transport: noAPI{}},
	})
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	t.Cleanup(app.config.HTTPClient.CloseIdleConnections) // a dev server may be listening where the tests run
	s := &testServer{connector: newConnector(app), log: &log}
	s.connector.open = func(context.Context) (conn, error) {
		if refusal := s.refusal.Load(); refusal != nil {
			return nil, *refusal
		}
		opened := &testConn{}
		opened.state.Store(sdkconnect.StateActive)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.list = append(s.list, opened)
		return opened, nil
	}
	return s
}

// serve serves in the background until end is called, which returns the result.
func (s *testServer) serve(t *testing.T) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.connector.serve(ctx) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-served
	}
}

func (s *testServer) refuse(err error) { s.refusal.Store(&err) }

func TestConnectReconnects(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]struct {
		state sdkconnect.State
		after time.Duration
	}{
		"the SDK has given up, and says so": {sdkconnect.StateClosed, 2 * time.Second},
		"the SDK has given up in silence":   {sdkconnect.StateReconnecting, connectPatience + 3*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newTestServer(t)
				end := s.serve(t)
				time.Sleep(time.Hour)
				require.Len(t, s.opened(), 1)
				s.refuse(errors.New("connection refused")) // first, because watch may check the connection in this second
				s.opened()[0].state.Store(lose.state)
				time.Sleep(lose.after)
				require.True(t, s.opened()[0].closed.Load())
				time.Sleep(time.Hour)
				require.Equal(t, 1, s.log.count("not connected yet; retrying"), "one warning for one outage")
				s.refusal.Store(nil)
				time.Sleep(2 * connectMaxWait)
				require.Len(t, s.opened(), 2)
				require.Equal(t, 2, s.log.count("inngest: connected"))
				require.NoError(t, end())
				require.True(t, s.opened()[1].closed.Load())
			})
		})
	}
}

// The SDK restores a connection that is lost for a short time.
func TestConnectLetsTheSDKReconnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t)
		end := s.serve(t)
		for outage := range 2 {
			s.opened()[0].state.Store(sdkconnect.StateReconnecting)
			time.Sleep(connectPatience / 2)
			s.opened()[0].state.Store(sdkconnect.StateActive)
			before := time.Now()
			time.Sleep(connectPatience)
			require.Equal(t, outage+1, s.log.count("connection lost; connecting again"))
			require.Equal(t, outage+1, s.log.count("connected again"))
			last, ok := s.connector.app.LastSync()
			require.True(t, ok)
			require.True(t, last.Connect)
			require.WithinDuration(t, before, last.Time, 2*connectWatchEvery)
		}
		require.Len(t, s.opened(), 1)
		require.NoError(t, end())
	})
}

func TestConnectEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t)
		s.refuse(errors.New("http://me:a-password@server.test: connection refused"))
		end := s.serve(t)
		time.Sleep(time.Hour)
		err := end()
		require.ErrorContains(t, err,
			"inngestkit: connect to http://127.0.0.1:8288: never connected: http://…@server.test: connection refused")
		require.Zero(t, s.log.count("a-password"))
		require.ErrorIs(t, err, context.Canceled)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t)
		end := s.serve(t)
		s.refuse(errors.New("connection refused"))
		s.opened()[0].state.Store(sdkconnect.StateClosed)
		time.Sleep(time.Hour)
		require.NoError(t, end(), "it was connected once")
	})
}

// A running call keeps the connection open. Calls that arrive meanwhile are held, and
// returned once it has ended. The connection closes after the server has acknowledged
// every reply.
func TestConnectDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := newTestServer(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			<-release
			return "done", nil
		}))
		end := s.serve(t)
		replies := make(chan sdkconnect.Response, 2)
		call := func() { replies <- s.connector.Call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }
		go call()
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		synctest.Wait()
		go call()
		time.Sleep(time.Hour)
		require.Empty(t, replies, "one runs, one is held")
		require.False(t, s.opened()[0].closed.Load())

		close(release)
		require.Equal(t, 200, (<-replies).Status)
		givenBack := <-replies
		require.Equal(t, 503, givenBack.Status)
		require.Equal(t, "false", givenBack.Header.Get("X-Inngest-No-Retry"))
		synctest.Wait()
		s.connector.Acknowledged()
		time.Sleep(time.Second)
		require.False(t, s.opened()[0].closed.Load(), "one acknowledgement is missing")
		s.connector.Acknowledged()
		require.NoError(t, <-ended)
		require.True(t, s.opened()[0].closed.Load())
	})
}

// Calls that arrive after Shutdown are held, as they are after the end of the context.
func TestConnectHoldsCallsFromTheShutdownOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Bool
		s := newTestServer(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			ran.Store(true)
			return "", nil
		}))
		require.NoError(t, s.connector.app.Shutdown(t.Context()))
		reply := make(chan sdkconnect.Response, 1)
		go func() { reply <- s.connector.Call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }()
		time.Sleep(time.Hour)
		require.Empty(t, reply)
		s.connector.pendingAcks.Store(0)
		s.connector.drain()
		require.Equal(t, 503, (<-reply).Status)
		require.False(t, ran.Load())
	})
}

func TestConnectDoesNotWaitForeverForAnAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t)
		s.connector.pendingAcks.Store(1)
		start := time.Now()
		s.connector.drain()
		require.Equal(t, sdkconnect.AckDeadline, time.Since(start))
	})
}

// The reason why the app cannot connect is logged once until it is connected.
func TestConnectWarnsOnce(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for range 2 {
		for range 3 {
			s.connector.NotConnected(errors.New("refused"))
		}
		s.connector.connected("inngest: connected")
	}
	require.Equal(t, 2, s.log.count(`"inngest: connect: could not establish connection"`))
	require.Equal(t, 2, s.log.count("refused"))
}

func TestConnectCountsAcknowledgements(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	s.connector.pendingAcks.Store(2)
	for range 3 {
		s.connector.Acknowledged()
	}
	require.Zero(t, s.connector.pendingAcks.Load(), "never below 0")
}
