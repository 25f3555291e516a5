package inngestkit_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// appServer is, without a network, the HTTP server of an app that starts to listen after a
// while, and a dev server.
type appServer struct {
	devServer

	app      *inngestkit.App
	listens  time.Time
	foreign  bool      // something else responds
	ready    time.Time // a proxy responds before
	hangs    bool
	mu       sync.Mutex
	requests int
	running  atomic.Int32 // requests
}

func (s *appServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "localhost:3000" {
		return s.devServer.RoundTrip(r)
	}
	if time.Now().Before(s.listens) {
		return nil, notListening()
	}
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	s.running.Add(1)
	defer s.running.Add(-1)
	if s.hangs {
		<-r.Context().Done()
		time.Sleep(time.Millisecond)
		return nil, r.Context().Err()
	}
	if s.foreign || time.Now().Before(s.ready) {
		return serverAnswer{http.StatusForbidden, "", "invalid csrf token"}.response(), nil
	}
	var body io.Reader
	if r.Body != nil {
		body = r.Body
	}
	resp := s.app.Do(context.WithoutCancel(r.Context()), &adapter.Request{
		Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Header: r.Header, Body: body, ContentLength: r.ContentLength,
	})
	return &http.Response{StatusCode: resp.Status, Header: resp.Header, Body: io.NopCloser(strings.NewReader(string(resp.Body)))}, nil
}

func (s *appServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// start starts an app whose HTTP server listens after the given time.
func (s *appServer) start(ctx context.Context, t *testing.T, after time.Duration) *log {
	t.Helper()
	var l log
	s.listens = time.Now().Add(after)
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, HTTPClient: &http.Client{Transport: s}, ServePort: 3000,
		Logger: slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	inngestkit.ListensAt(app, nowhere)
	require.NoError(t, app.Register(onSignUp(hello)))
	app.MountedAt("test", "/api/inngest")
	s.app = app
	require.NoError(t, app.Start(ctx))
	return &l
}

func TestStartChecksTheEndpointOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &appServer{foreign: true}
		l := s.start(t.Context(), t, 3*time.Second)
		began := time.Now()
		require.NoError(t, s.app.AwaitSync(t.Context()))
		require.Zero(t, time.Since(began), "the sync does not wait for the check")
		synctest.Wait()
		require.NotContains(t, l.String(), "csrf", "it does not listen yet")
		require.Contains(t, l.String(), `from="ServePort (PORT)" listening="no: dial tcp: connection refused" functions=1`)
		time.Sleep(10 * time.Minute)
		require.Equal(t, 2, s.asked(), "the second time to be sure")
		require.Equal(t, 1, strings.Count(l.String(), "csrf"))
		require.Contains(t, l.String(), `level=WARN msg="inngest: calls of the server will fail" error="POST http://localhost:3000/api/inngest was not`)
		syncs, _ := s.seen()
		require.Equal(t, 1, syncs)
		require.NoError(t, s.app.Shutdown(t.Context()))
	})
}

func TestStartIsQuietAboutAGoodEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &appServer{}
		l := s.start(t.Context(), t, time.Second)
		time.Sleep(aMinute)
		require.Equal(t, 5, s.asked())
		require.NotContains(t, l.String(), "WARN")
		require.NotContains(t, l.String(), "endpoint")
		require.Equal(t, 1, strings.Count(l.String(), "the app listens now where it was announced"))
		require.NoError(t, s.app.Shutdown(t.Context()))
	})
}

// Findings that disappear after a moment are not logged.
func TestStartChecksTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &appServer{ready: time.Now().Add(500 * time.Millisecond)}
		l := s.start(t.Context(), t, 0)
		time.Sleep(aMinute)
		require.Equal(t, 2+5, s.asked(), "once for the line about the sync")
		require.NotContains(t, l.String(), "WARN")
		require.NoError(t, s.app.Shutdown(t.Context()))
	})
}

// If nothing listens on this machine for a while, that is a mistake. A server elsewhere may
// reach the app at a host where the app itself cannot.
func TestStartWarnsWhileNothingListens(t *testing.T) {
	t.Parallel()
	const notYet = `level=WARN msg="inngest: the app does not listen yet where it was announced" ` +
		`url=http://localhost:3000/api/inngest from="ServePort (PORT)" error="nothing listens at http://localhost:3000`
	synctest.Test(t, func(t *testing.T) {
		s := &appServer{}
		l := s.start(t.Context(), t, 20*time.Second)
		time.Sleep(time.Second)
		require.NotContains(t, l.String(), "WARN", "programs call Start before they listen")
		time.Sleep(time.Second)
		require.Contains(t, l.String(), notYet)
		time.Sleep(aMinute)
		require.Equal(t, 1, strings.Count(l.String(), "WARN"), l.String())
		require.Contains(t, l.String(), "the app listens now where it was announced")
		require.NoError(t, s.app.Shutdown(t.Context()))
	})
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		app, l := newAppWith(t, inngestkit.Config{
			Dev: true, ServeHost: "http://app.test", HTTPClient: &http.Client{Transport: server},
		}, onSignUp(hello))
		server.noApps = "app.test"
		app.MountedAt("test", "/api/inngest")
		require.NoError(t, app.Start(t.Context()))
		time.Sleep(aMinute)
		require.NotContains(t, l.String(), "WARN")
		require.Contains(t, l.String(), `listening="no: dial tcp: connection refused"`)
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

func TestStartDoesNotCheckBeforeTheFirstSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &appServer{foreign: true}
		s.away = true
		s.start(t.Context(), t, 0)
		time.Sleep(time.Hour)
		require.Zero(t, s.asked())
		s.set(func(s *devServer) { s.away = false })
		time.Sleep(aMinute)
		require.Equal(t, 3, s.asked(), "once for the line about the sync")
		require.NoError(t, s.app.Shutdown(t.Context()))
	})
}

// The check ends with Start, whatever it waits for. goleak finds what is left.
func TestTheCheckEndsWithStart(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*appServer{"waiting for the app": {}, "waiting for a response": {hangs: true}} {
		for _, end := range []string{"shutdown", "context"} {
			t.Run(name+", "+end, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &appServer{hangs: s.hangs}
					after := time.Duration(0)
					if !s.hangs {
						after = time.Hour
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					l := s.start(ctx, t, after)
					require.NoError(t, s.app.AwaitSync(t.Context()))
					synctest.Wait()
					began := time.Now()
					if end == "context" {
						cancel()
					}
					require.NoError(t, s.app.Shutdown(t.Context()))
					require.LessOrEqual(t, time.Since(began), time.Millisecond)
					require.Zero(t, s.running.Load(), "Shutdown waits for it")
					require.NotContains(t, l.String(), "WARN")
				})
			})
		}
	}
}
