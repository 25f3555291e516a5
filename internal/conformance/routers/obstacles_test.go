package routers

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// An obstacle is a setting or middleware of a router that breaks calls.
type obstacle struct {
	name string
	// build returns an application with the obstacle, and /other behind it. If fixed, the
	// endpoint is not behind it.
	build func(app *inngestkit.App, fixed bool) http.Handler

	// call makes the call that breaks; the default is a small and short one.
	call func(t *testing.T, s *site) (status int, sdk bool, body string)
	// status is that of the call without the fix. sdk is whether the app has responded.
	status int
	sdk    bool
	// finding is what CheckEndpoint reports without the fix, "" for nothing, and log what the
	// first request logs.
	finding, log string
	// other is the status of a request to /other.
	other int
}

func (tc obstacle) test(t *testing.T) {
	t.Helper()
	if tc.call == nil {
		tc.call = func(t *testing.T, s *site) (int, bool, string) { return s.callAt(t, endpoint) }
	}
	for _, fixed := range []bool{false, true} {
		t.Run(tc.name+map[bool]string{false: ", without the fix", true: ", with the fix"}[fixed], func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler { return tc.build(app, fixed) })
			status, sdk, body := tc.call(t, s)
			err := s.app.CheckEndpoint(t.Context())
			other, _, _ := s.request(t, http.MethodPost, "/other")
			require.Equal(t, tc.other, other)
			if fixed {
				require.Equal(t, http.StatusOK, status, body)
				require.True(t, sdk)
				require.NoError(t, err)
				require.NotContains(t, s.log.String(), "level=")
				return
			}
			require.Equal(t, tc.status, status, body)
			require.Equal(t, tc.sdk, sdk)
			require.Contains(t, s.log.String(), tc.log)
			if tc.finding == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.finding)
			}
		})
	}
}

func other(http.ResponseWriter, *http.Request) {}

// callSlow makes a call that takes longer than a timeout of short.
func callSlow(t *testing.T, s *site) (status int, sdk bool, body string) {
	t.Helper()
	status, header, body := send(t, s.signedCall(t, endpoint, "slow", http.MethodPost, smallCall))
	return status, header.Get("X-Inngest-Sdk") != "", body
}

// callLarge makes a call with as large a body as the server's can be.
func callLarge(t *testing.T, s *site) (status int, sdk bool, body string) {
	t.Helper()
	large := strings.Replace(smallCall, "u1", strings.Repeat("x", 4<<20-len(smallCall)), 1)
	status, header, body := send(t, s.signedCall(t, endpoint, "fn", http.MethodPost, large))
	return status, header.Get("X-Inngest-Sdk") != "", body
}

// callWhileBusy makes a call while another one runs.
func callWhileBusy(t *testing.T, s *site) (status int, sdk bool, body string) {
	t.Helper()
	ended := make(chan int, 1)
	req := s.signedCall(t, endpoint, "slow", http.MethodPost, smallCall)
	go func() {
		status, _, _, _ := roundTrip(req)
		ended <- status
	}()
	<-s.running
	status, sdk, body = s.callAt(t, endpoint)
	require.Equal(t, http.StatusOK, <-ended)
	return status, sdk, body
}

// Middleware of chi. The fix is a group for the site, as docs/routers.md shows.
func TestChi(t *testing.T) {
	t.Parallel()
	behind := func(mw func(http.Handler) http.Handler) func(app *inngestkit.App, fixed bool) http.Handler {
		return func(app *inngestkit.App, fixed bool) http.Handler {
			r := chi.NewRouter()
			site := func(r chi.Router) {
				r.Use(mw)
				r.Post("/other", other)
			}
			if fixed {
				inngesthttp.Mount(r, app)
				r.Group(site)
			} else {
				site(r)
				inngesthttp.Mount(r, app)
			}
			return r
		}
	}
	for _, tc := range []obstacle{
		{
			name: "BasicAuth", build: behind(middleware.BasicAuth("shop", map[string]string{"admin": "secret"})), status: 401,
			finding: "authentication is in front of it", other: 401,
		},
		{
			name: "ContentCharset", build: behind(middleware.ContentCharset("UTF-8")), status: 415,
			finding: "was not answered by the app but with 415", other: 200, // without a body
		},
		{
			name: "AllowContentType", build: behind(middleware.AllowContentType("application/xml")), status: 415,
			finding: "was not answered by the app but with 415", other: 200, // without a body
		},
		{
			name: "RequestSize", build: behind(middleware.RequestSize(1 << 20)), call: callLarge, status: 400, sdk: true,
			finding: "raise its limit for /api/inngest to 4 MiB or more", other: 200,
		},
		{
			name: "Timeout", build: behind(middleware.Timeout(short)), call: callSlow, status: 500, sdk: true,
			log: "a timeout ends calls", other: 200,
		},
		{
			name: "Throttle", build: func(app *inngestkit.App, fixed bool) http.Handler { return behind(middleware.Throttle(1))(app, fixed) },
			call: callWhileBusy, status: 429, other: 200,
		},
	} {
		tc.test(t)
	}
}

// Middleware and settings of gorilla/mux.
func TestGorilla(t *testing.T) {
	t.Parallel()
	for _, tc := range []obstacle{
		{
			name: "Use", build: func(app *inngestkit.App, fixed bool) http.Handler {
				r := mux.NewRouter()
				inngesthttp.Mount(inngesthttp.Gorilla(r), app)
				site := r
				if fixed {
					site = r.NewRoute().Subrouter()
				}
				site.Use(middleware.BasicAuth("shop", map[string]string{"admin": "secret"})) // also for earlier routes
				site.HandleFunc("/other", other)
				return r
			},
			status: 401, finding: "authentication is in front of it", other: 401,
		},
		{
			name: "catch-all", build: func(app *inngestkit.App, fixed bool) http.Handler {
				r := mux.NewRouter()
				if fixed { // the first route that matches responds
					inngesthttp.Mount(inngesthttp.Gorilla(r), app)
				}
				r.PathPrefix("/").HandlerFunc(other)
				if !fixed {
					inngesthttp.Mount(inngesthttp.Gorilla(r), app)
				}
				return r
			},
			status: 200, finding: "another handler responds", other: 200,
		},
		{
			name: "Subrouter for hosts", build: func(app *inngestkit.App, fixed bool) http.Handler {
				r := mux.NewRouter()
				site := r.Host("shop.example.com").Subrouter()
				site.HandleFunc("/other", other)
				if fixed {
					site = r
				}
				inngesthttp.Mount(inngesthttp.Gorilla(site), app)
				return r
			},
			status: 404, finding: "the app is elsewhere", other: 404,
		},
		{
			name: "Subrouter for https", build: func(app *inngestkit.App, fixed bool) http.Handler {
				r := mux.NewRouter()
				site := r.Schemes("https").Subrouter() // behind a proxy, requests are http
				site.HandleFunc("/other", other)
				if fixed {
					site = r
				}
				inngesthttp.Mount(inngesthttp.Gorilla(site), app)
				return r
			},
			status: 404, finding: "the app is elsewhere", other: 404,
		},
		{
			name: "StrictSlash", build: func(app *inngestkit.App, fixed bool) http.Handler {
				r := mux.NewRouter().StrictSlash(!fixed)
				inngesthttp.Mount(inngesthttp.Gorilla(r), app)
				r.HandleFunc("/other", other)
				return r
			},
			// The announced path has no slash: only a sync with another URL comes to this.
			call: func(t *testing.T, s *site) (int, bool, string) {
				status, _, _ := s.callAt(t, endpoint+"/")
				if status == http.StatusNotFound {
					return s.callAt(t, endpoint)
				}
				return status, false, ""
			},
			status: 301, other: 200,
		},
	} {
		tc.test(t)
	}
}

// What does no harm, in front of the endpoint and beside it.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(app *inngestkit.App) http.Handler{
		"chi, middleware": func(app *inngestkit.App) http.Handler {
			r := chi.NewRouter()
			r.Use(middleware.StripSlashes, middleware.CleanPath, middleware.RequestID, middleware.Recoverer, middleware.Compress(5),
				middleware.ClientIPFromRemoteAddr, middleware.NoCache, middleware.GetHead, middleware.URLFormat,
				middleware.Heartbeat("/ping"), middleware.AllowContentType("application/json"), middleware.ThrottleBacklog(2, 50, short),
				middleware.AllowContentEncoding("gzip"), middleware.SetHeader("X-Frame-Options", "DENY"))
			r.MethodNotAllowed(http.NotFound)
			inngesthttp.Mount(r, app)
			return r
		},
		"chi, RedirectSlashes": func(app *inngestkit.App) http.Handler {
			r := chi.NewRouter()
			r.Use(middleware.RedirectSlashes)
			inngesthttp.Mount(r, app)
			return r
		},
		"chi, routes that match, too": func(app *inngestkit.App) http.Handler {
			r, api := chi.NewRouter(), chi.NewRouter()
			api.HandleFunc("/*", http.NotFound)
			r.HandleFunc("/*", http.NotFound)
			r.HandleFunc("/{a}/{b}", http.NotFound)
			r.Mount("/api", api)
			inngesthttp.Mount(r, app)
			return r
		},
		"gorilla, settings": func(app *inngestkit.App) http.Handler {
			r := mux.NewRouter().StrictSlash(true).UseEncodedPath().SkipClean(true)
			r.Use(mux.CORSMethodMiddleware(r))
			r.MethodNotAllowedHandler = http.NotFoundHandler()
			inngesthttp.Mount(inngesthttp.Gorilla(r), app)
			r.PathPrefix("/").Methods(http.MethodGet).HandlerFunc(http.NotFound)
			return r
		},
		"httprouter, settings": func(app *inngestkit.App) http.Handler {
			r := httprouter.New()
			r.NotFound, r.MethodNotAllowed, r.GlobalOPTIONS = http.NotFoundHandler(), http.NotFoundHandler(), http.NotFoundHandler()
			r.PanicHandler = func(w http.ResponseWriter, _ *http.Request, _ any) { w.WriteHeader(http.StatusOK) }
			inngesthttp.Mount(inngesthttp.HTTPRouter(r), app)
			return r
		},
		"httprouter, no settings": func(app *inngestkit.App) http.Handler {
			r := &httprouter.Router{}
			inngesthttp.Mount(inngesthttp.HTTPRouter(r), app)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, build)
			s.callSucceeds(t)
			status, sdk, body := callLarge(t, s)
			require.Equal(t, http.StatusOK, status, body)
			require.True(t, sdk)
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			for _, method := range []string{http.MethodDelete, http.MethodOptions, http.MethodTrace} {
				status, header, _ := s.request(t, method, endpoint)
				require.Equal(t, http.StatusMethodNotAllowed, status, method)
				require.NotEmpty(t, header.Get("X-Inngest-Sdk"), method)
			}
			require.NotContains(t, s.log.String(), "level=")
		})
	}
}

// gorilla/mux keeps the error of a route in the route, which then responds to nothing. Mount
// panics with it.
func TestGorillaRejectsARoute(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Path: "/{tenant/inngest"})
	require.NoError(t, err)
	defer func() {
		said := fmt.Sprint(recover())
		require.Contains(t, said, `inngesthttp: Mount: app "app" cannot be mounted at /{tenant/inngest: mux: unbalanced braces`)
	}()
	inngesthttp.Mount(inngesthttp.Gorilla(mux.NewRouter()), app)
}

// httprouter allows no parameter beside a fixed part of a path. Mount says what to do.
func TestHTTPRouterBesideAParameter(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/:page", "/*file", "/api/:resource", "/api/*rest", endpoint} {
		s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler {
			site := httprouter.New()
			site.HandlerFunc(http.MethodPost, path, other)
			func() {
				defer func() {
					said := fmt.Sprint(recover())
					require.Contains(t, said, `inngesthttp: Mount: app "app" cannot be mounted at /api/inngest`)
					require.Contains(t, said, "mount the app on an http.ServeMux of its own")
				}()
				inngesthttp.Mount(inngesthttp.HTTPRouter(site), app)
			}()

			outer := http.NewServeMux() // another app, because this one has taken its place on the router
			inngesthttp.Mount(outer, app)
			outer.Handle("/", site)
			return outer
		})
		s.callSucceeds(t)
	}
}

// httprouter redirects other forms of the path with 307, which keeps the call.
func TestHTTPRouterRedirects(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler {
		r := httprouter.New()
		inngesthttp.Mount(inngesthttp.HTTPRouter(r), app)
		return r
	})
	for _, path := range []string{endpoint + "/", "/API/Inngest", "//api/inngest"} {
		status, header, _ := send(t, s.signed(t, path))
		require.Equal(t, http.StatusTemporaryRedirect, status, path)
		require.Contains(t, header.Get("Location"), endpoint+"?fnId=app-fn")
		client := testsite.NewClient(t)
		resp, err := client.Do(s.signed(t, path))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
}

// Most routers respond themselves to methods that they do not know.
func TestUnknownMethods(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		build func(app *inngestkit.App) http.Handler
		sdk   bool
	}{
		"chi": {func(app *inngestkit.App) http.Handler {
			r := chi.NewRouter()
			inngesthttp.Mount(r, app)
			return r
		}, false},
		"gorilla": {func(app *inngestkit.App) http.Handler {
			r := mux.NewRouter()
			inngesthttp.Mount(inngesthttp.Gorilla(r), app)
			return r
		}, true},
		"httprouter": {func(app *inngestkit.App) http.Handler {
			r := httprouter.New()
			inngesthttp.Mount(inngesthttp.HTTPRouter(r), app)
			return r
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, tc.build)
			status, header, _ := s.request(t, "PROPFIND", endpoint)
			require.Equal(t, http.StatusMethodNotAllowed, status)
			require.Equal(t, tc.sdk, header.Get("X-Inngest-Sdk") != "")
		})
	}
}
