package inngestkit_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// badBody is the body of a response.
type badBody struct{ read, close func() }

func (b badBody) Read([]byte) (int, error) { b.read(); return 0, io.EOF }
func (b badBody) Close() error             { b.close(); return nil }

// badJar is a cookie jar.
type badJar struct{ set, get func() }

func (j badJar) SetCookies(*url.URL, []*http.Cookie) { j.set() }
func (j badJar) Cookies(*url.URL) []*http.Cookie     { j.get(); return nil }

// badTransport is a transport that cannot close its connections.
type badTransport struct{ roundTripper }

func (badTransport) CloseIdleConnections() { panic("oh no") }

// codedError is an error whose method panics for a nil pointer.
type codedError struct{ code string }

func (e *codedError) Error() string { return e.code }

// A panic in the client becomes the error of the request, for every method that makes
// requests, and the next request is made.
func TestClientPanics(t *testing.T) {
	t.Parallel()
	panics, quiet := func() { panic("oh no") }, func() {}
	answers := func(read, closing func()) roundTripper {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Set-Cookie": {"a=b"}}, Body: badBody{read, closing}}, nil
		}
	}
	redirects := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {"/x"}}, Body: http.NoBody}, nil
	})
	requests := map[string]func(ctx context.Context, app *inngestkit.App) error{
		"Ping": func(ctx context.Context, app *inngestkit.App) error { return app.Ping(ctx) },
		"Sync": func(ctx context.Context, app *inngestkit.App) error { return app.Sync(ctx) },
		"Send": func(ctx context.Context, app *inngestkit.App) error {
			_, err := app.Send(ctx, signedUp.New(user{}))
			return err
		},
		"SendSignal":    func(ctx context.Context, app *inngestkit.App) error { return app.SendSignal(ctx, "s", nil) },
		"CheckEndpoint": func(ctx context.Context, app *inngestkit.App) error { return app.CheckEndpoint(ctx) },
	}
	for name, tc := range map[string]struct {
		client http.Client
		want   string // the error, "" if the request succeeds
		not    string // the method that does not reach the panic
	}{
		"transport": {client: http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("oh no") })},
			want: "the HTTPClient's transport panicked: oh no"},
		"aborted": {client: http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic(http.ErrAbortHandler) })},
			want: "the HTTPClient's transport panicked: net/http: abort Handler"},
		"error": {client: http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, (*codedError)(nil) })},
			want: "the HTTPClient's transport returned a nil *inngestkit_test.codedError as its error"},
		"error of a redirect": {client: http.Client{Transport: redirects, CheckRedirect: func(*http.Request, []*http.Request) error { return (*codedError)(nil) }},
			want: "CheckRedirect of the HTTPClient returned a nil *inngestkit_test.codedError as its error", not: "CheckEndpoint"},
		"error of a response": {client: http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(iotest.ErrReader((*codedError)(nil)))}, nil
		})}, want: "the HTTPClient's response body returned a nil *inngestkit_test.codedError as its error", not: "Ping"},
		"reading":     {client: http.Client{Transport: answers(panics, quiet)}, want: "the HTTPClient's response body panicked: oh no", not: "Ping"},
		"closing":     {client: http.Client{Transport: answers(quiet, panics)}},
		"closing all": {client: http.Client{Transport: badTransport{answers(quiet, quiet)}}},
		"redirect": {client: http.Client{Transport: redirects, CheckRedirect: func(*http.Request, []*http.Request) error { panic("oh no") }},
			want: "the HTTPClient's CheckRedirect panicked: oh no", not: "CheckEndpoint"},
		"setting cookies": {client: http.Client{Transport: answers(quiet, quiet), Jar: badJar{panics, quiet}}},
		"getting cookies": {client: http.Client{Transport: answers(quiet, quiet), Jar: badJar{quiet, panics}}},
	} {
		for method, request := range requests {
			t.Run(name+", "+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					app, l := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &tc.client}, onSignUp(hello))
					app.MountedAt("test", "/api/inngest")
					begin := time.Now()
					for range 2 {
						if err := request(t.Context(), app); tc.want != "" && method != tc.not {
							require.ErrorContains(t, err, tc.want)
						}
					}
					if strings.Contains(tc.want, "panicked") && method != "Sync" {
						require.Zero(t, time.Since(begin), "it is not retried")
					}
					require.LessOrEqual(t, strings.Count(l.String(), "stack="), 1, "once a minute")
					switch name {
					case "transport":
						require.Contains(t, l.String(), "httpclient_guard_test.go", "the stack")
					case "aborted":
						require.NotContains(t, l.String(), "stack=", "it is meant to be quiet")
					}
				})
			})
		}
	}
}

// Values of panics do not show keys: transports may panic with the whole URL, test doubles
// with the request.
func TestClientPanicsShowNoKeys(t *testing.T) {
	t.Parallel()
	config := cloud
	config.EventKey = "an/event key"
	all := []string{string(config.EventKey), string(config.SigningKey), string(config.SigningKeyFallback)}
	refuse := false
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if refuse {
			refuse = false
			return response(http.StatusUnauthorized, "", nil), nil
		}
		panic("unexpected " + r.URL.String() + " with " + r.Header.Get("Authorization") + ", of " + strings.Join(all, ", "))
	})}
	app, l := newAppWith(t, config)
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.ErrorContains(t, err, "unexpected https://inn.gs/e/… with , of …, …, …")
	const want = "unexpected https://api.inngest.com/v1/signals with Bearer …, of …, …, …"
	require.ErrorContains(t, app.SendSignal(t.Context(), "s", nil), want)
	refuse = true
	require.ErrorContains(t, app.SendSignal(t.Context(), "s", nil), want, "with the fallback key")
	for _, key := range []string{"event%20key", "event key", "signkey"} {
		require.NotContains(t, l.String()+err.Error(), key)
	}
}

// The process and the work of Start survive a panic.
func TestStartOutlivesPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &devServer{}
		var broken atomic.Bool
		broken.Store(true)
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if broken.Load() {
				panic("oh no")
			}
			return server.RoundTrip(r)
		})}
		app, l := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: client}, onSignUp(hello))
		app.MountedAt("test", "/api/inngest")
		require.NoError(t, app.Start(t.Context()))
		time.Sleep(10 * time.Second)
		require.Contains(t, l.String(), "the HTTPClient's transport panicked: oh no")
		broken.Store(false)
		require.NoError(t, app.AwaitSync(t.Context()))
		require.NoError(t, app.Shutdown(t.Context()))
	})
}

// brokenContext is a context whose Value panics, always or once it is done.
type brokenContext struct {
	context.Context

	late bool
}

func (c brokenContext) Value(key any) any {
	if !c.late || c.Err() != nil {
		panic("no values")
	}
	return c.Context.Value(key)
}

// The app calls methods of the user's context on its own goroutines.
func TestContextsThatPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		started := make(chan struct{})
		app, l := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: &http.Client{Transport: &devServer{}}},
			onSignUp(func(ctx context.Context, _ input) (any, error) {
				close(started)
				<-ctx.Done()
				return nil, ctx.Err()
			}))
		app.MountedAt("test", "/api/inngest")
		require.ErrorContains(t, app.Ping(brokenContext{Context: ctx}), "it panicked, or its goroutine has ended")
		require.NoError(t, app.Start(brokenContext{Context: ctx}))
		synctest.Wait()
		require.Equal(t, 2, strings.Count(l.String(), "panic=\"no values\""), l.String())
		require.Equal(t, http.StatusInternalServerError,
			app.Do(brokenContext{Context: ctx}, callRequest(t, signUpEnvelope(user{}))).Status)
		go func() {
			<-started
			cancel()
		}()
		resp := app.Do(brokenContext{ctx, true}, callRequest(t, signUpEnvelope(user{})))
		require.Equal(t, http.StatusInternalServerError, resp.Status)
		require.Contains(t, message(t, resp), "context canceled")
		require.NoError(t, app.Shutdown(t.Context()))
	})
}
