package inngestkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/inngest/inngestgo/connect"
	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
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

// lines is a server without a network, and the lines to it.
type lines struct {
	connection *connection
	log        *logged
	refusal    atomic.Pointer[error]

	mu   sync.Mutex
	list []*testLine
}

// opened lists the lines that have been opened.
func (l *lines) opened() []*testLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list
}

// testLine is a line whose state a test sets.
type testLine struct {
	state  atomic.Value
	closed atomic.Bool
}

func (l *testLine) State() connect.ConnectionState {
	state, _ := l.state.Load().(connect.ConnectionState)
	return state
}

func (l *testLine) Close() error {
	l.closed.Store(true)
	l.state.Store(connect.ConnectionStateClosed)
	return nil
}

// noAPI keeps a test from the dev server that may run on the machine.
type noAPI struct{}

func (noAPI) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no API here") }

func newLines(t *testing.T, functions ...Function) *lines {
	t.Helper()
	var log logged
	app, err := New(Config{
		AppID: "app", Dev: true, Logger: slog.New(slog.NewTextHandler(&log, nil)), HTTPClient: &http.Client{Transport: noAPI{}},
	})
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	t.Cleanup(app.config.HTTPClient.CloseIdleConnections) // a dev server may be listening where the tests run
	l := &lines{connection: newConnection(app), log: &log}
	l.connection.open = func(context.Context) (*line, error) {
		if refusal := l.refusal.Load(); refusal != nil {
			return nil, *refusal
		}
		opened := &testLine{}
		opened.state.Store(connect.ConnectionStateActive)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = append(l.list, opened)
		return &line{opened, func() {}}, nil
	}
	return l
}

// serve serves in the background until end is called, which returns the result.
func (l *lines) serve(t *testing.T) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- l.connection.serve(ctx) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-served
	}
}

func (l *lines) refuse(err error) { l.refusal.Store(&err) }

func TestConnectReconnects(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]struct {
		state connect.ConnectionState
		after time.Duration
	}{
		"the SDK has given up, and says so": {connect.ConnectionStateClosed, 2 * time.Second},
		"the SDK has given up in silence":   {connect.ConnectionStateReconnecting, connectPatience + 3*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLines(t)
				end := l.serve(t)
				time.Sleep(time.Hour)
				require.Len(t, l.opened(), 1)
				l.refuse(errors.New("connection refused")) // first: the connection may be looked at in this second
				l.opened()[0].state.Store(lose.state)
				time.Sleep(lose.after)
				require.True(t, l.opened()[0].closed.Load())
				time.Sleep(time.Hour)
				require.Equal(t, 1, l.log.count("not connected yet; trying again"), "one line for one outage")
				l.refusal.Store(nil)
				time.Sleep(2 * connectMaxWait)
				require.Len(t, l.opened(), 2)
				require.Equal(t, 2, l.log.count("inngest: connected"))
				require.NoError(t, end())
				require.True(t, l.opened()[1].closed.Load())
			})
		})
	}
}

// A short loss is the SDK's to mend.
func TestConnectLetsTheSDKReconnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLines(t)
		end := l.serve(t)
		for outage := range 2 {
			l.opened()[0].state.Store(connect.ConnectionStateReconnecting)
			time.Sleep(connectPatience / 2)
			l.opened()[0].state.Store(connect.ConnectionStateActive)
			before := time.Now()
			time.Sleep(connectPatience)
			require.Equal(t, outage+1, l.log.count("connection lost; connecting again"))
			require.Equal(t, outage+1, l.log.count("connected again"))
			last, ok := l.connection.app.LastSync()
			require.True(t, ok)
			require.True(t, last.Connect)
			require.WithinDuration(t, before, last.Time, 2*connectWatchEvery)
		}
		require.Len(t, l.opened(), 1)
		require.NoError(t, end())
	})
}

func TestConnectEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLines(t)
		l.refuse(errors.New("connection refused"))
		end := l.serve(t)
		time.Sleep(time.Hour)
		err := end()
		require.ErrorContains(t, err, "inngestkit: connect to http://127.0.0.1:8288: never connected: connection refused")
		require.ErrorIs(t, err, context.Canceled)
	})
	synctest.Test(t, func(t *testing.T) {
		l := newLines(t)
		end := l.serve(t)
		l.refuse(errors.New("connection refused"))
		l.opened()[0].state.Store(connect.ConnectionStateClosed)
		time.Sleep(time.Hour)
		require.NoError(t, end(), "it was connected once")
	})
}

// A call that runs keeps the line; calls that come meanwhile are held, and given
// back once it has ended; the line closes when the server has got every reply.
func TestConnectDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		l := newLines(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			<-release
			return "done", nil
		}))
		end := l.serve(t)
		replies := make(chan *adapter.Response, 2)
		call := func() { replies <- l.connection.call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }
		go call()
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		synctest.Wait()
		go call()
		time.Sleep(time.Hour)
		require.Empty(t, replies, "one runs, one is held")
		require.False(t, l.opened()[0].closed.Load())

		close(release)
		require.Equal(t, 200, (<-replies).Status)
		givenBack := <-replies
		require.Equal(t, 503, givenBack.Status)
		require.Equal(t, "false", givenBack.Header.Get("X-Inngest-No-Retry"))
		synctest.Wait()
		l.connection.acknowledged()
		time.Sleep(time.Second)
		require.False(t, l.opened()[0].closed.Load(), "one reply is owed")
		l.connection.acknowledged()
		require.NoError(t, <-ended)
		require.True(t, l.opened()[0].closed.Load())
	})
}

// Whether Shutdown or the context says so, calls that come then are held.
func TestConnectHoldsCallsFromTheShutdownOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran atomic.Bool
		l := newLines(t, OnEvent("fn", DefineEvent[struct{}]("e"), func(context.Context, Input[struct{}]) (string, error) {
			ran.Store(true)
			return "", nil
		}))
		require.NoError(t, l.connection.app.Shutdown(t.Context()))
		reply := make(chan *adapter.Response, 1)
		go func() { reply <- l.connection.call("app-fn", anyStep, nil, []byte(`{"event":{},"ctx":{}}`)) }()
		time.Sleep(time.Hour)
		require.Empty(t, reply)
		l.connection.owed.Store(0)
		l.connection.drain()
		require.Equal(t, 503, (<-reply).Status)
		require.False(t, ran.Load())
	})
}

func TestConnectDoesNotWaitForeverForAnAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLines(t)
		l.connection.owed.Store(1)
		start := time.Now()
		l.connection.drain()
		require.Equal(t, connect.ResponseAcknowlegeDeadline, time.Since(start))
	})
}

// The SDK's own log tells what has been acknowledged, and why there is no
// connection.
func TestConnectLog(t *testing.T) {
	t.Parallel()
	l := newLines(t)
	log := slog.New(&connectLog{connection: l.connection}).With("mode", "connect").WithGroup("g")
	l.connection.owed.Store(2)
	log.Debug("received gateway request", "kind", "GATEWAY_HEARTBEAT")
	log.Debug("something else", "kind", "WORKER_REPLY_ACK")
	require.EqualValues(t, 2, l.connection.owed.Load())
	for range 3 {
		log.Debug("received gateway request", "kind", "WORKER_REPLY_ACK")
	}
	require.Zero(t, l.connection.owed.Load(), "never less than none")

	for range 3 {
		log.Error("could not establish connection", "err", errors.New("refused"), "url", "http://user:password@server")
	}
	log.Error("failed to read message", "err", errors.New("EOF"))
	require.Equal(t, 1, l.log.count("inngest: connect: could not establish connection"))
	require.Zero(t, l.log.count("password"))
	require.Zero(t, l.log.count("failed to read message"), "that is how a connection ends")
	log.Error("could not establish connection", "err", context.Canceled)
	require.Zero(t, l.log.count("canceled"))
	log.Error("could not establish connection", "err", (*url.Error)(nil))
	require.Equal(t, 1, l.log.count("the transport returned a nil *url.Error"))
}
