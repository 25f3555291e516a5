package inngestkit_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func answering(status int) func(w http.ResponseWriter, r *http.Request, n int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "a page")
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusOK:                  "",
		http.StatusUnauthorized:        "",
		http.StatusNotFound:            "",
		499:                            "",
		http.StatusInternalServerError: "it responded with 500 Internal Server Error",
		http.StatusBadGateway:          "it responded with 502 Bad Gateway",
		http.StatusServiceUnavailable:  "it responded with 503 Service Unavailable",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			server := newAPI(t, answering(status))
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, HTTPClient: server.Client()})
			err := app.Ping(t.Context())
			if want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, "inngestkit: ping "+server.URL+": "+want)
			}
			requests, _ := server.seen()
			require.Len(t, requests, 1, "a single host gets one request")
		})
	}
}

// Ping sends the server no secret.
func TestPingSendsNoKey(t *testing.T) {
	t.Parallel()
	server := newAPI(t, answering(http.StatusOK))
	events := newAPI(t, answering(http.StatusOK))
	config := cloud
	config.EventKey, config.Env = "the-event-key", "branch"
	config.APIBaseURL, config.EventAPIBaseURL, config.HTTPClient = server.URL+"/below/", events.URL, server.Client()
	app, _ := newAppWith(t, config)
	require.NoError(t, app.Ping(t.Context()))
	for host, path := range map[*api]string{server: "/below/health", events: "/health"} {
		requests, bodies := host.seen()
		require.Len(t, requests, 1, "each host gets a request")
		r := requests[0]
		require.Equal(t, http.MethodGet, r.Method)
		require.Equal(t, path, r.RequestURI)
		require.Equal(t, []string{""}, bodies)
		require.NotContains(t, r.Header, "Authorization")
		require.Equal(t, "inngestkit/"+inngestkit.Version, r.Header.Get("User-Agent"))
		require.Equal(t, "branch", r.Header.Get("X-Inngest-Env"))
		for key, values := range r.Header {
			for _, secret := range []string{"the-event-key", signingKey[13:], fallbackKey[13:]} {
				require.NotContains(t, strings.Join(values, ","), secret, key)
			}
		}
	}
}

// The error names each host that did not respond, without passwords.
func TestPingNamesTheHostWithoutAResponse(t *testing.T) {
	t.Parallel()
	events := newAPI(t, answering(http.StatusBadGateway))
	gone := newAPI(t, answering(http.StatusOK))
	gone.Close()
	withPassword := func(url string) string { return strings.Replace(url, "http://", "http://user:s3cret@", 1) }
	redacted := func(address string) string {
		u, err := url.Parse(withPassword(address))
		require.NoError(t, err)
		return u.Redacted()
	}
	app, l := newAppWith(t, inngestkit.Config{
		Dev: true, APIBaseURL: withPassword(gone.URL), EventAPIBaseURL: withPassword(events.URL), HTTPClient: events.Client(),
	})
	err := app.Ping(t.Context())
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[0], "inngestkit: ping "+redacted(gone.URL)+": dial tcp ")
	require.Contains(t, lines[0], "refused")
	require.Equal(t, "inngestkit: ping "+redacted(events.URL)+": it responded with 502 Bad Gateway", lines[1])
	require.NotContains(t, err.Error()+l.String(), "s3cret")
}

// Ping follows redirects, as the other requests do.
func TestPingFollowsRedirects(t *testing.T) {
	t.Parallel()
	target := newAPI(t, func(w http.ResponseWriter, r *http.Request, n int) {
		answering([]int{http.StatusOK, http.StatusBadGateway}[n-1])(w, r, n)
	})
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, target.URL+"/login", http.StatusFound)
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, HTTPClient: server.Client()})
	require.NoError(t, app.Ping(t.Context()))
	require.EqualError(t, app.Ping(t.Context()), "inngestkit: ping "+server.URL+": it responded with 502 Bad Gateway")
}

// Ping reuses the connection whatever the response is.
func TestPingReusesItsConnection(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, n int) {
		answering([]int{http.StatusOK, http.StatusServiceUnavailable}[n%2])(w, r, n)
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, HTTPClient: server.Client()})
	for range 6 {
		_ = app.Ping(t.Context())
	}
	requests, _ := server.seen()
	require.Len(t, requests, 6)
	for _, r := range requests {
		require.Equal(t, requests[0].RemoteAddr, r.RemoteAddr)
	}
}

func TestPingIsCanceled(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	server := newAPI(t, func(_ http.ResponseWriter, r *http.Request, _ int) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, HTTPClient: server.Client()})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(errors.New("no longer needed"))
	}()
	err := app.Ping(ctx)
	require.EqualError(t, err, "inngestkit: ping "+server.URL+": context canceled: no longer needed while waiting for the response of "+server.URL)
	require.ErrorIs(t, err, context.Canceled)
}

// A host that hangs delays no other host, and its timeout is not reported as the caller's.
func TestPingTakesAtMostThirtySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answered atomic.Int64
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Hostname() == "api.test" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			answered.Add(1)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
		})}
		app, _ := newAppWith(t, inngestkit.Config{
			Dev: true, APIBaseURL: "http://api.test", EventAPIBaseURL: "http://events.test", HTTPClient: client,
		})
		start := time.Now()
		err := app.Ping(t.Context())
		require.EqualError(t, err, "inngestkit: ping http://api.test: no response within 30s while waiting for http://api.test")
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 30*time.Second, time.Since(start))
		require.EqualValues(t, 1, answered.Load())

		both, _ := newAppWith(t, inngestkit.Config{
			Dev: true, APIBaseURL: "http://api.test", EventAPIBaseURL: "http://api.test:81", HTTPClient: client,
		})
		start = time.Now()
		require.ErrorContains(t, both.Ping(t.Context()), "inngestkit: ping http://api.test:81: no response within 30s")
		require.Equal(t, 30*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		require.ErrorIs(t, app.Ping(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

// Ping leaves no goroutine behind, before or after Shutdown. The test is not parallel,
// because it looks at all goroutines.
func TestNoGoroutineOutlivesAPing(t *testing.T) {
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		// The client does not read the second to its end.
		_, _ = io.WriteString(w, strings.Repeat("a page ", []int{1, 100_000, 1}[n-1]))
	})
	before := goleak.IgnoreCurrent()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, BaseURL: server.URL, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, app.Ping(t.Context()))
	require.NoError(t, app.Ping(t.Context()))
	require.NoError(t, app.Shutdown(t.Context()))
	goleak.VerifyNone(t, before)
	require.NoError(t, app.Ping(t.Context()), "the server is still up")
	goleak.VerifyNone(t, before)
}
