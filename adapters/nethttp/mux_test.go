package inngesthttp_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func newApp(t *testing.T, id, path string) *inngestkit.App {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: id, Path: path, Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return app
}

// The app does not conflict with patterns of a site, in any order of registration.
// ServeMux panics for two patterns of which neither is more specific.
func TestMountBesideASite(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		"/", "GET /", "POST /", "PUT /", "OPTIONS /", "PROPFIND /", "/{path...}", "GET /{path...}", "GET /{$}", "/api/", "GET /api/{rest...}",
		"GET /{a}/{b}", "/{a}/inngest", "POST /api/{b}", "GET /api/inngest/{rest...}", "example.com/", "GET example.com/",
		"HEAD /other", "POST /api/inngest/other",
	} {
		for _, siteFirst := range []bool{true, false} {
			mux := http.NewServeMux()
			site := func() {
				mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "site") })
			}
			if siteFirst {
				site()
			}
			inngesthttp.Mount(mux, newApp(t, "shop", ""))
			if !siteFirst {
				site()
			}
			requireApp(t, mux, pattern)
		}
	}
}

// requireApp checks that the app responds, with and without a slash.
func requireApp(t *testing.T, mux *http.ServeMux, beside string) {
	t.Helper()
	for _, target := range []string{"/api/inngest", "/api/inngest/"} {
		for method, status := range map[string]int{
			http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 400, http.MethodPut: 400, http.MethodPatch: 405,
			http.MethodDelete: 405, http.MethodOptions: 405, http.MethodTrace: 405,
		} {
			r := httptest.NewRequest(method, "http://app.test"+target, nil)
			if method == http.MethodPut {
				r.Host = "" // no URL to announce
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, status, w.Code, "%s %s beside %q", method, target, beside)
			require.NotEmpty(t, w.Header().Get("X-Inngest-Sdk"), "%s %s beside %q", method, target, beside)
		}
	}
}

// An app at the root does not serve the paths below it.
func TestMountAtTheRoot(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /about", func(http.ResponseWriter, *http.Request) {})
	inngesthttp.Mount(mux, newApp(t, "shop", "/"))
	for target, sdk := range map[string]bool{"/": true, "/about": false, "/other": false} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		require.Equal(t, sdk, w.Header().Get("X-Inngest-Sdk") != "", target)
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, "shop", "")
	const noRouter = `inngesthttp: Mount: the router for app "shop" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngesthttp: Mount: the app is nil", func() { inngesthttp.Mount(http.NewServeMux(), nil) }},
		{noRouter, func() { inngesthttp.Mount(nil, app) }},
		{noRouter, func() { inngesthttp.Mount((*http.ServeMux)(nil), app) }},
		{noRouter, func() { inngesthttp.Mount(inngesthttp.RouterFunc(nil), app) }},
		{"inngesthttp: Handler: the app is nil", func() { inngesthttp.Handler(nil) }},
		{"inngesthttp: Middleware: the app is nil", func() { inngesthttp.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	require.Nil(t, inngesthttp.From(nil))
	_, err := inngesthttp.Send(nil)
	require.ErrorContains(t, err, "the context has no app")
}
