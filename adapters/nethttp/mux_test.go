package inngesthttp_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
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

// The app does not conflict with patterns of a site, in any order of registration, and each
// serves its own paths. ServeMux panics for two patterns of which neither is more specific.
func TestMountBesideASite(t *testing.T) {
	t.Parallel()
	paths := []string{
		"/", "/{$}", "/{path...}", "/{a}", "/{a}/", "/{a}/{$}", "/{a}/{b}", "/{a}/{b}/", "/{a}/{b...}", "/{a}/inngest", "/{a}/inngest/",
		"/api", "/api/", "/api/{$}", "/api/{b}", "/api/{b}/", "/api/{b}/{c}", "/api/{rest...}", "/{a}/{b}/{c}", "/other",
		"/api/inngest", "/api/inngest/", "/api/inngest/{$}", "/api/inngest/{x}", "/api/inngest/{x...}", "/inngest", "/inngest/", "/inngest/{x...}",
	}
	for _, base := range []string{"", "/api/inngest", "/inngest"} {
		for _, method := range []string{"", "GET ", "POST ", "PUT ", "OPTIONS ", "PROPFIND "} {
			for _, host := range []string{"", "example.com"} {
				for _, path := range paths {
					taken := host == "" && (path == base || path == base+"/{$}") && method != "" && method != "PROPFIND "
					if taken { // see TestMountOnATakenPath
						continue
					}
					for _, siteFirst := range []bool{true, false} {
						requireApp(t, beside(t, base+"/", method+host+path, siteFirst), base, method+host+path)
					}
				}
			}
		}
	}
}

// beside returns a ServeMux with an app at a path and a site's pattern.
func beside(t *testing.T, path, pattern string, siteFirst bool) *http.ServeMux {
	t.Helper()
	mux := http.NewServeMux()
	site := func() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "site") })
	}
	if siteFirst {
		site()
	}
	require.NotPanics(t, func() { inngesthttp.Mount(mux, newApp(t, "shop", path)) }, "%s beside %q", path, pattern)
	if !siteFirst {
		require.NotPanics(t, site, "%q beside %s", pattern, path)
	}
	return mux
}

// requireApp checks that the app responds at a path, with and without a slash, and nowhere
// else.
func requireApp(t *testing.T, mux *http.ServeMux, path, beside string) {
	t.Helper()
	targets := map[string]bool{path + "/": true, path + "/other": false, "/x" + path: false}
	if path != "" {
		targets[path] = true
	}
	for target, ours := range targets {
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
			require.Equal(t, ours, w.Header().Get("X-Inngest-Sdk") != "", "%s %s beside %q", method, target, beside)
			if ours {
				require.Equal(t, status, w.Code, "%s %s beside %q", method, target, beside)
			}
		}
	}
}

// A ServeMux cannot have two handlers for one method and path, or a pattern of which neither
// is more specific, as HEAD / and GET /api/inngest, because GET includes HEAD.
func TestMountOnATakenPath(t *testing.T) {
	t.Parallel()
	for pattern, path := range map[string]string{
		"GET /api/inngest": "", "POST /api/inngest/{$}": "", "PUT /{$}": "/", "HEAD /": "", "HEAD /api/": "", "HEAD /{rest...}": "/",
		"POST /{tenant}/{$}": "/{app}", "/api/{x...}": "/{tenant}/inngest", "/": "/{a",
	} {
		mux := http.NewServeMux()
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
		func() {
			defer func() {
				said := fmt.Sprint(recover())
				require.Contains(t, said, `inngesthttp: Mount: app "shop" cannot be mounted at `, pattern)
				require.Contains(t, said, "set another Config.Path, or mount the app on an http.ServeMux of its own", pattern)
				if path != "/{a" {
					require.Contains(t, said, fmt.Sprintf("conflicts with pattern %q", pattern))
				}
			}()
			inngesthttp.Mount(mux, newApp(t, "shop", path))
		}()

		// What the panic advises.
		outer := http.NewServeMux()
		inngesthttp.Mount(outer, newApp(t, "shop", ""))
		outer.Handle("/", mux)
		requireApp(t, outer, "/api/inngest", pattern)
	}
}

// A pattern with a host takes precedence over all others. On a ServeMux outside of the site,
// the app is there for all hosts.
func TestMountBesideAHost(t *testing.T) {
	t.Parallel()
	site := beside(t, "", "example.com/", true)
	outer := http.NewServeMux()
	inngesthttp.Mount(outer, newApp(t, "shop", ""))
	outer.Handle("/", site)
	for host, sdk := range map[string][]bool{"example.com": {false, true}, "app.test": {true, true}} {
		for i, mux := range []*http.ServeMux{site, outer} {
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://"+host+"/api/inngest", nil))
			require.Equal(t, sdk[i], w.Header().Get("X-Inngest-Sdk") != "", host)
		}
	}
}

// The methods that net/http has no constant for are the site's.
func TestMethodsThatAServeMuxDoesNotKnow(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]int{"/": http.StatusOK, "GET /other": http.StatusMethodNotAllowed} {
		w := httptest.NewRecorder()
		beside(t, "", pattern, true).ServeHTTP(w, httptest.NewRequest("PROPFIND", "/api/inngest", nil))
		require.Equal(t, want, w.Code, pattern)
		require.Empty(t, w.Header().Get("X-Inngest-Sdk"))
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
		{noRouter, func() { inngesthttp.Mount(inngesthttp.Gorilla((*gorillaRouter)(nil)), app) }},
		{noRouter, func() { inngesthttp.Mount(inngesthttp.Gorilla[*gorillaRoute](nil), app) }},
		{noRouter, func() { inngesthttp.Mount(inngesthttp.HTTPRouter((*httpRouter)(nil)), app) }},
		{noRouter, func() { inngesthttp.Mount(inngesthttp.HTTPRouter(nil), app) }},
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

// A mistake in a RouterFunc is not a conflict.
func TestARouterFuncThatPanics(t *testing.T) {
	t.Parallel()
	var router *http.ServeMux
	defer func() { require.Implements(t, (*runtime.Error)(nil), recover()) }()
	inngesthttp.Mount(inngesthttp.RouterFunc(func(path string, handler http.Handler) { router.Handle(path, handler) }), newApp(t, "shop", ""))
}
