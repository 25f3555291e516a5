package inngestkit_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

func TestStartRetriesUntilTheServerIsThere(t *testing.T) {
	t.Parallel()
	// Nothing listens at this address yet.
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())

	tried := make(chan struct{}, 100)
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		tried <- struct{}{}
		return http.DefaultTransport.RoundTrip(r)
	})}
	app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: "http://" + addr, HTTPClient: client, ServePort: 3000}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	<-tried
	<-tried // the first attempt has failed

	listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	require.NoError(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	defer server.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	require.NoError(t, app.AwaitSync(t.Context()))
	last, _ := app.LastSync()
	require.Equal(t, "http://localhost:3000/api/inngest", last.URL)
	require.NoError(t, app.Shutdown(t.Context()))
	require.Equal(t, 1, strings.Count(l.String(), "not synced yet; retrying"), l.String())
	require.Contains(t, l.String(), "inngest: synced")
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	require.ErrorContains(t, app.Start(t.Context()), "not mounted")
	app.MountedAt("test", "/api/inngest")
	require.ErrorContains(t, app.Start(t.Context()), "no functions")
	require.NoError(t, app.Register(onSignUp(hello)))
	require.NoError(t, app.Shutdown(t.Context()))
	require.EqualError(t, app.Start(t.Context()), "inngestkit: start: the app is shut down")
	require.EqualError(t, app.Start(t.Context()), "inngestkit: start: the app is shut down", "it was not started")

	app, _ = newApp(t, onSignUp(hello))
	app.MountedAt("test", "/:tenant/api/inngest")
	require.ErrorContains(t, app.Start(t.Context()), "has parameters; set ServePath")

	client := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no server") })}
	app, _ = newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	require.EqualError(t, app.Start(t.Context()), "inngestkit: start: the app is started already")
	require.NoError(t, app.Shutdown(t.Context()))
	require.EqualError(t, app.Start(t.Context()), "inngestkit: start: the app is shut down")
}

func TestStartInCloudModeDoesNothing(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud)
	require.NoError(t, app.Start(t.Context()))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	require.ErrorContains(t, app.AwaitSync(ctx), "enough")
}

// No goroutine outlives Shutdown: goleak checks the package.
func TestShutdownEndsTheRetries(t *testing.T) {
	t.Parallel()
	failed := make(chan struct{}, 100)
	client := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		failed <- struct{}{}
		return nil, errors.New("no server")
	})}
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	<-failed
	require.NoError(t, app.Shutdown(t.Context()))
	require.NoError(t, app.Shutdown(t.Context()), "once more")
}

// The background work of plugins ends with the app, and Shutdown waits for it.
func TestGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, _ := newApp(t)
		require.EqualError(t, app.Go(nil), "inngestkit: go: the function is nil")
		state, release := make(chan error, 1), make(chan struct{})
		require.NoError(t, app.Go(func(ctx context.Context) {
			state <- ctx.Err()
			<-ctx.Done()
			state <- ctx.Err()
			<-release
		}))
		require.NoError(t, <-state, "it runs at once")
		synctest.Wait()
		require.Empty(t, state)
		require.False(t, isClosed(app.Draining()))

		shutdown := make(chan error, 1)
		go func() { shutdown <- app.Shutdown(t.Context()) }()
		synctest.Wait()
		require.ErrorIs(t, <-state, context.Canceled)
		require.Empty(t, shutdown, "it waits for what runs")
		require.True(t, isClosed(app.Draining()))
		require.EqualError(t, app.Go(func(context.Context) { state <- errors.New("it runs") }), "inngestkit: go: the app is shut down")

		close(release)
		require.NoError(t, <-shutdown)
		synctest.Wait()
		require.Empty(t, state)
		require.True(t, isClosed(app.Draining()), "nothing opens the app again")
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	app, _ := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
		return step.Run(ctx, "slow", func(context.Context) (string, error) {
			close(running)
			<-release
			return "finished", nil
		})
	}))
	inFlight := make(chan *adapter.Response)
	slow := callRequest(t, signUpEnvelope(user{}))
	go func() { inFlight <- app.Do(context.WithoutCancel(t.Context()), slow) }()
	<-running

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("deadline"))
	err := app.Shutdown(ctx)
	require.ErrorContains(t, err, "1 calls are still running: context canceled: deadline")

	refused := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusServiceUnavailable, refused.Status)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Equal(t, "false", refused.Header.Get("X-Inngest-No-Retry"))
	message(t, refused)

	done := make(chan error)
	go func() { done <- app.Shutdown(context.WithoutCancel(t.Context())) }()
	close(release)
	require.NoError(t, <-done)
	require.Equal(t, "finished", ops(t, <-inFlight)[0]["data"])
}

// Unsigned requests do not delay a shutdown.
func TestStrangersDoNotHoldUpTheShutdown(t *testing.T) {
	t.Parallel()
	app, _ := newAppWith(t, cloud, onSignUp(hello))
	reading, release := make(chan struct{}), make(chan struct{})
	req := request(http.MethodPost, "fnId=app-fn", "")
	req.Body, req.ContentLength = &slowReader{reading, release}, -1
	withHeader(req, "X-Inngest-Signature", sign(t, wrongKey, "", time.Now())) // otherwise the body is not read
	answered := make(chan *adapter.Response)
	go func() { answered <- app.Do(context.WithoutCancel(t.Context()), req) }()
	<-reading
	require.NoError(t, app.Shutdown(t.Context()))
	close(release)
	require.Equal(t, http.StatusUnauthorized, (<-answered).Status)
}

type slowReader struct{ reading, release chan struct{} }

func (r *slowReader) Read([]byte) (int, error) {
	close(r.reading)
	<-r.release
	return 0, io.EOF
}

func TestShutdownWaitsForASyncAndRefusesNewOnes(t *testing.T) {
	t.Parallel()
	app, answered, release := appInASync(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, app.Shutdown(ctx), context.Canceled)
	require.Equal(t, http.StatusServiceUnavailable, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
	close(release)
	require.Equal(t, http.StatusOK, (<-answered).Status)
	require.NoError(t, app.Shutdown(t.Context()))
}

// Syncs run one after another. A caller that hangs up does not wait for the one before.
func TestSyncThatWaitsForAnother(t *testing.T) {
	t.Parallel()
	app, first, release := appInASync(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	second := app.Do(ctx, request(http.MethodPut, "", ""))
	require.Equal(t, http.StatusInternalServerError, second.Status)
	require.Contains(t, message(t, second), "waiting for another sync: context canceled")
	close(release)
	require.Equal(t, http.StatusOK, (<-first).Status)
}

// Shutdown waits for running sends, and later sends still succeed.
func TestShutdownWaitsForSends(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan struct{}), make(chan struct{})
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			close(arrived)
			<-answer
		}
		accepted(w, "id1")
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	sent := make(chan error, 1)
	go func() {
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		sent <- err
	}()
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, app.Shutdown(ctx), context.Canceled)
	close(answer)
	require.NoError(t, <-sent)
	require.NoError(t, app.Shutdown(t.Context()))
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
}

// Send logs once that Start is missing if no dev server knows the functions.
func TestSendWithoutStart(t *testing.T) {
	t.Parallel()
	const forgotten = "call App.Start after mounting the app"
	for _, tc := range []struct {
		name    string
		prepare func(t *testing.T, app *inngestkit.App)
		warns   bool
	}{
		{"mounted, with functions", func(t *testing.T, app *inngestkit.App) {
			require.NoError(t, app.Register(onSignUp(hello)))
			app.MountedAt("test", "/api/inngest")
		}, true},
		{"started", func(t *testing.T, app *inngestkit.App) {
			require.NoError(t, app.Register(onSignUp(hello)))
			app.MountedAt("test", "/api/inngest")
			require.NoError(t, app.Start(t.Context()))
		}, false},
		{"synced by the server", func(t *testing.T, app *inngestkit.App) {
			require.NoError(t, app.Register(onSignUp(hello)))
			app.MountedAt("test", "/api/inngest")
			require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
		}, false},
		{"not mounted, so it serves elsewhere", func(t *testing.T, app *inngestkit.App) {
			require.NoError(t, app.Register(onSignUp(hello)))
		}, false},
		{"without functions", func(_ *testing.T, app *inngestkit.App) { app.MountedAt("test", "/api/inngest") }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasPrefix(r.URL.Path, "/e/") {
					return response(http.StatusOK, `{"ids":["id1"]}`, nil), nil
				}
				return response(http.StatusOK, `{"ok":true}`, nil), nil
			})}
			app, l := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client, ServeHost: "http://app.test"})
			tc.prepare(t, app)
			for range 2 {
				_, err := app.Send(t.Context(), signedUp.New(user{}))
				require.NoError(t, err)
			}
			want := 0
			if tc.warns {
				want = 1
			}
			require.Equal(t, want, strings.Count(l.String(), forgotten), l.String())
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}
