package front

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// netServer is an application of net/http, or of a framework on it.
type netServer struct{ *http.Server }

func serverOf(handler http.Handler) netServer {
	return netServer{&http.Server{Handler: handler, ReadHeaderTimeout: 1 << 40}}
}

func other(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("other")) }

// behind mounts the app and another route behind an obstacle, or only the other route if
// fixed.
func behind(middleware func(http.Handler) http.Handler) func(app *inngestkit.App, fixed bool) server {
	return func(app *inngestkit.App, fixed bool) server {
		mux := http.NewServeMux()
		mux.HandleFunc("/other", other)
		outer := http.NewServeMux()
		outer.Handle("/", middleware(mux))
		if fixed {
			inngesthttp.Mount(outer, app)
		} else {
			inngesthttp.Mount(mux, app)
		}
		return serverOf(outer)
	}
}

// refusing responds with a status to requests for which refuse returns true.
func refusing(status int, text string, refuse func(r *http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse(r) {
				http.Error(w, text, status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// limit counts requests and reports when there were more than n.
func limit(n int64) func(r *http.Request) bool {
	var count atomic.Int64
	return func(*http.Request) bool { return count.Add(1) > n }
}

func withoutToken(r *http.Request) bool {
	return r.Header.Get("X-Csrf-Token") == "" && r.Method == http.MethodPost
}

func withoutPassword(r *http.Request) bool {
	_, _, ok := r.BasicAuth()
	return !ok
}

func httpsOnly(r *http.Request) bool { return r.TLS == nil }

func TestNetHTTP(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "CSRF token", build: behind(refusing(403, "invalid csrf token", withoutToken)),
			status: 403, finding: `403 Forbidden ("invalid csrf token"): CSRF protection`, other: 403,
		},
		{
			name: "authentication", build: behind(refusing(401, "", withoutPassword)),
			status: 401, finding: "401 Unauthorized: authentication is in front of it", other: 401,
		},
		{
			name: "rate limit", before: 1,
			build: func(app *inngestkit.App, fixed bool) server {
				return behind(refusing(429, "", limit(1)))(app, fixed)
			},
			status: 429, finding: "a rate limit is in front of it", other: 429,
		},
		{
			name: "body limit", size: largest,
			build: func(app *inngestkit.App, fixed bool) server {
				return behind(func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, 1<<20) })(app, fixed)
			},
			finding: "raise its limit for /api/inngest to 4 MiB or more", other: 200,
		},
		{
			name: "redirect", build: behind(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if httpsOnly(r) {
						http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
						return
					}
					next.ServeHTTP(w, r)
				})
			}),
			status: 301, finding: "it redirects to https://127.0.0.1", other: 301,
		},
		{
			name: "StripPrefix", build: func(app *inngestkit.App, _ bool) server {
				mux, outer := http.NewServeMux(), http.NewServeMux()
				inngesthttp.Mount(mux, app)
				outer.Handle("/v1/", http.StripPrefix("/v1", mux))
				return serverOf(outer)
			},
			fix:    func(config *inngestkit.Config) { config.ServePath = "/v1/api/inngest" },
			status: 404, finding: "below http.StripPrefix, in a sub-router or behind a proxy set ServePath", other: 404,
		},
		{
			name: "catch-all", build: func(app *inngestkit.App, fixed bool) server {
				mux := http.NewServeMux()
				mux.HandleFunc("/", other)
				if fixed {
					inngesthttp.Mount(mux, app)
				} else {
					app.MountedAt("nethttp", app.Path()) // the app is not mounted
				}
				return serverOf(mux)
			},
			status: 200, finding: `200 OK ("other"): another handler responds`, other: 200,
		},
	} {
		tc.test(t)
	}
}

// http.CrossOriginProtection rejects what a browser sends from another site, but no request
// without Sec-Fetch-Site and Origin, such as the server's calls.
func TestCrossOriginProtectionDoesNoHarm(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		return behind(http.NewCrossOriginProtection().Handler)(app, false)
	})
	s.callSucceeds(t, 0)
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	status, _, _ := s.request(t, http.MethodPost, "/other", "", http.Header{"Sec-Fetch-Site": {"cross-site"}})
	require.Equal(t, http.StatusForbidden, status)
}

// The server follows a redirect. One that changes the method turns a call into a GET. If the
// app described itself then, the server would treat that as the result.
func TestRedirectedCallFails(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		mux.Handle("/moved", http.RedirectHandler(app.Path(), http.StatusMovedPermanently))
		return serverOf(mux)
	})
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true},
		// The server keeps the query (CheckRedirect in its pkg/execution/exechttp).
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			r.URL.RawQuery = via[0].URL.RawQuery
			return nil
		},
	}
	resp, err := client.Post(s.url+"/moved?fnId=app-fn", "application/json", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("X-Inngest-Sdk"))
	s.log.Await(t, "a redirect has made GET of a call")
}

// A limit that has not been reached is not found.
func TestRateLimitsAreNotDetected(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) server {
		return behind(refusing(429, "", limit(10)))(app, false)
	})
	require.NoError(t, s.app.CheckEndpoint(t.Context()))
	status := http.StatusOK
	for range 10 {
		status, _, _ = s.call(t, "fn", 0)
	}
	require.Equal(t, http.StatusTooManyRequests, status)
}
