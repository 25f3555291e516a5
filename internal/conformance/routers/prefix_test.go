package routers

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// prefixed is an application with the app below a prefix.
type prefixed struct {
	name    string
	path    string // of the app, with the prefix
	reports bool   // the router reports the prefix
	build   func(app *inngestkit.App) http.Handler
}

var belowPrefixes = []prefixed{
	{"no prefix", endpoint, true, func(app *inngestkit.App) http.Handler {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		return mux
	}},
	{"http.StripPrefix", "/v1/api/inngest", false, func(app *inngestkit.App) http.Handler {
		mux, below := http.NewServeMux(), http.NewServeMux()
		inngesthttp.Mount(below, app)
		mux.Handle("/v1/", http.StripPrefix("/v1", below))
		return mux
	}},
	{"http.StripPrefix twice", "/v1/internal/api/inngest", false, func(app *inngestkit.App) http.Handler {
		mux, below, innermost := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
		inngesthttp.Mount(innermost, app)
		below.Handle("/internal/", http.StripPrefix("/internal", innermost))
		mux.Handle("/v1/", http.StripPrefix("/v1", below))
		return mux
	}},
	{"chi, Group and With", endpoint, true, func(app *inngestkit.App) http.Handler {
		r := chi.NewRouter()
		r.Group(func(r chi.Router) { inngesthttp.Mount(r.With(inngesthttp.Middleware(app)), app) })
		return r
	}},
	{"chi, Route", "/v1/internal/api/inngest", false, func(app *inngestkit.App) http.Handler {
		r := chi.NewRouter()
		r.Route("/v1", func(r chi.Router) {
			r.Route("/internal", func(r chi.Router) { inngesthttp.Mount(r, app) })
		})
		return r
	}},
	{"chi, Mount", "/v1/api/inngest", false, func(app *inngestkit.App) http.Handler {
		r, below := chi.NewRouter(), chi.NewRouter()
		inngesthttp.Mount(below, app)
		r.Mount("/v1", below)
		return r
	}},
	{"chi, a parameter", "/acme/api/inngest", false, func(app *inngestkit.App) http.Handler {
		r := chi.NewRouter()
		r.Route("/{tenant}", func(r chi.Router) { inngesthttp.Mount(r, app) })
		return r
	}},
	{"gorilla, Subrouter", "/v1/internal/api/inngest", true, func(app *inngestkit.App) http.Handler {
		r := mux.NewRouter()
		inngesthttp.Mount(inngesthttp.Gorilla(r.PathPrefix("/v1").Subrouter().PathPrefix("/internal").Subrouter()), app)
		return r
	}},
	{"gorilla, http.StripPrefix", "/v1/api/inngest", false, func(app *inngestkit.App) http.Handler {
		r, below := mux.NewRouter(), mux.NewRouter()
		inngesthttp.Mount(inngesthttp.Gorilla(below), app)
		r.PathPrefix("/v1").Handler(http.StripPrefix("/v1", below))
		return r
	}},
	{"httprouter, http.StripPrefix", "/v1/api/inngest", false, func(app *inngestkit.App) http.Handler {
		r, below := httprouter.New(), httprouter.New()
		inngesthttp.Mount(inngesthttp.HTTPRouter(below), app)
		inngesthttp.HTTPRouter(r).Handle("/v1/*rest", http.StripPrefix("/v1", below))
		return r
	}},
}

// newDevServer stands in for a dev server: every sync succeeds.
func newDevServer(t *testing.T) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Start announces the full path if the router reports it. Otherwise the app logs ServePath,
// and at the first request at the full path its value.
func TestStartBelowAPrefix(t *testing.T) {
	t.Parallel()
	for _, tc := range belowPrefixes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{Dev: true, BaseURL: newDevServer(t)}, tc.build)
			require.NoError(t, s.app.Start(t.Context()))
			require.NoError(t, s.app.AwaitSync(testsite.Within(t)))
			last, _ := s.app.LastSync()
			if tc.reports {
				require.Equal(t, s.url+tc.path, last.URL)
				require.NoError(t, s.app.CheckEndpoint(t.Context()))
				s.callSucceedsAt(t, tc.path)
				require.NotContains(t, s.log.String(), "level=WARN")
				return
			}
			require.Equal(t, s.url+endpoint, last.URL)
			require.Contains(t, s.log.Await(t, "calls of the server will fail"), "in a sub-router or behind a proxy set ServePath (INNGEST_SERVE_PATH)")
			s.callSucceedsAt(t, tc.path)
			require.Contains(t, s.log.Await(t, "use a different path than the one received"), "set ServePath (INNGEST_SERVE_PATH)")
			s.log.Await(t, "announced=/api/inngest received="+tc.path+"\n")
			require.ErrorContains(t, s.app.CheckEndpoint(t.Context()), "the app has received a request at "+tc.path+"; set ServePath")
		})
	}
}

// With ServePath, every application is announced correctly and responds. ServePath also
// chooses a value for a parameter.
func TestServePathBelowAPrefix(t *testing.T) {
	t.Parallel()
	for _, tc := range belowPrefixes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{Dev: true, BaseURL: newDevServer(t), ServePath: tc.path}, tc.build)
			require.NoError(t, s.app.Start(t.Context()))
			require.NoError(t, s.app.AwaitSync(testsite.Within(t)))
			last, _ := s.app.LastSync()
			require.Equal(t, s.url+tc.path, last.URL)
			s.callSucceedsAt(t, tc.path)
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			require.NotContains(t, s.log.String(), "level=WARN")
		})
	}
}

// In cloud mode, the first signed request shows the prefix. A sync that the server requests
// is announced where it was requested.
func TestASignedRequestBelowAPrefix(t *testing.T) {
	t.Parallel()
	for _, tc := range belowPrefixes {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{}, tc.build)
			status, _, _ := s.request(t, http.MethodGet, tc.path)
			require.Equal(t, http.StatusOK, status)
			require.NotContains(t, s.log.String(), "level=WARN", "strangers sign nothing")

			sync := s.signedCall(t, tc.path, "", http.MethodPut, `{"url":"`+s.url+tc.path+`"}`)
			sync.URL.RawQuery = ""
			status, _, body := send(t, sync)
			require.Equal(t, http.StatusOK, status, body)
			last, _ := s.app.LastSync()
			require.Equal(t, s.url+tc.path, last.URL)
			if tc.reports {
				require.NoError(t, s.app.CheckEndpoint(t.Context()))
				require.NotContains(t, s.log.String(), "level=WARN")
				return
			}
			require.Contains(t, s.log.Await(t, "use a different path than the one received"), "received="+tc.path+"\n")
			require.ErrorContains(t, s.app.CheckEndpoint(t.Context()), "the app has received a request at "+tc.path+"; set ServePath")
		})
	}
}

// Without a configured port, the app looks for itself everywhere in vain.
func TestStartCannotFindAnAppBelowAPrefix(t *testing.T) {
	t.Parallel()
	for _, tc := range belowPrefixes {
		if tc.reports {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := runOn(t, testsite.Listen(t, ""), inngestkit.Config{Dev: true, BaseURL: newDevServer(t)}, tc.build)
			require.NoError(t, s.app.Start(t.Context()))
			line := s.log.Await(t, "this app does not respond yet at any port")
			require.Contains(t, line, "below http.StripPrefix or in a sub-router, set ServePath (INNGEST_SERVE_PATH)")
			require.Contains(t, line, s.url[len("http://127.0.0.1"):]+": 404 Not Found from something else, or the path is another")
		})
	}
}

// A path with parameters is not announced without a choice: the server would call it
// literally.
func TestAPathWithParameters(t *testing.T) {
	t.Parallel()
	const path = "/{tenant}/api/inngest"
	for _, tc := range []struct {
		name, path string
		build      func(app *inngestkit.App) http.Handler
	}{
		{"ServeMux", path, belowPrefixes[0].build},
		{"chi", path, func(app *inngestkit.App) http.Handler {
			r := chi.NewRouter()
			inngesthttp.Mount(r, app)
			return r
		}},
		{"gorilla", "", func(app *inngestkit.App) http.Handler {
			r := mux.NewRouter()
			inngesthttp.Mount(inngesthttp.Gorilla(r.PathPrefix("/{tenant}").Subrouter()), app)
			return r
		}},
		{"httprouter", "/:tenant/api/inngest", func(app *inngestkit.App) http.Handler {
			r := httprouter.New()
			inngesthttp.Mount(inngesthttp.HTTPRouter(r), app)
			return r
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := run(t, inngestkit.Config{Dev: true, Path: tc.path}, tc.build)
			require.ErrorContains(t, s.app.Start(t.Context()), "which has parameters; set ServePath (INNGEST_SERVE_PATH)")
			s.callSucceedsAt(t, "/acme/api/inngest")
			require.NotContains(t, s.log.String(), "level=WARN")

			s = run(t, inngestkit.Config{Dev: true, Path: tc.path, ServePath: "/acme/api/inngest", BaseURL: newDevServer(t)}, tc.build)
			require.NoError(t, s.app.Sync(t.Context()))
			last, _ := s.app.LastSync()
			require.Equal(t, s.url+"/acme/api/inngest", last.URL)
			require.NoError(t, s.app.CheckEndpoint(t.Context()))
			s.callSucceedsAt(t, "/other/api/inngest")
			require.NotContains(t, s.log.String(), "level=WARN")
		})
	}
}

// During the call, functions find the parameters of chi.
func TestParametersOfChi(t *testing.T) {
	t.Parallel()
	s := run(t, inngestkit.Config{}, func(app *inngestkit.App) http.Handler {
		require.NoError(t, app.Register(inngestkit.OnEvent("tenant", signedUp,
			func(ctx context.Context, _ inngestkit.Input[user]) (string, error) {
				return chi.URLParamFromCtx(ctx, "tenant"), nil
			})))
		r := chi.NewRouter()
		r.Route("/{tenant}", func(r chi.Router) { inngesthttp.Mount(r, app) })
		return r
	})
	status, _, body := send(t, s.signedCall(t, "/acme/api/inngest", "tenant", http.MethodPost, smallCall))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `"acme"`, body)
}
