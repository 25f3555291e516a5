// Package inngesthttp serves an inngestkit app with net/http, and so with chi,
// gorilla/mux and every router that takes an http.Handler.
package inngesthttp

import (
	"errors"
	"net/http"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "nethttp"

// Router is what an app is mounted on: an *http.ServeMux, a chi.Router, or
// anything else that registers handlers like them.
type Router interface {
	Handle(pattern string, handler http.Handler)
}

var _ Router = (*http.ServeMux)(nil)

// RouterFunc makes a [Router] of a function, for routers with another Handle, as
// gorilla/mux has it. The pattern is a path, for all methods.
type RouterFunc func(pattern string, handler http.Handler)

// Handle implements [Router].
func (f RouterFunc) Handle(pattern string, handler http.Handler) { f(pattern, handler) }

// Mount registers the endpoints of app on router, for all methods: the app
// answers those it does not support with 405 itself. On an *http.ServeMux each is there
// with and without a slash at the end, beside whatever patterns the site has; other
// routers get the path alone. Below http.StripPrefix or in a sub-router, set
// Config.ServePath to the full path, for [inngestkit.App.Start]. Mount panics if the app
// or the router is nil, or if another app is at one of the paths; of a RouterFunc that is not known.
func Mount(router Router, app *inngestkit.App) {
	inngestkit.MustMount(mount, router, app)
	for _, route := range app.Routes() {
		inngestkit.Claim(mount, app, router, route.Path)
		handler := inngestkit.HTTPHandler(framework, route.Do)
		if mux, ok := router.(*http.ServeMux); ok {
			handleOn(mux, route.Path, handler)
		} else {
			router.Handle(route.Path, handler)
		}
	}
	app.MountedAt(framework, app.Path())
}

// mount names Mount in panics.
const mount = "inngesthttp: Mount"

// methods are those that net/http has constants for, but HEAD, which goes with GET.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// handleOn registers a handler on mux for each method: a pattern without one could not
// stand beside those of the site, "GET /" for example.
func handleOn(mux *http.ServeMux, path string, handler http.Handler) {
	base := strings.TrimSuffix(path, "/")
	for _, method := range methods {
		mux.Handle(method+" "+base+"/{$}", handler)
		if base != "" {
			mux.Handle(method+" "+base, handler)
		}
	}
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) http.Handler {
	return inngestkit.HTTPHandler(framework, inngestkit.MustApp("inngesthttp: Handler", app).Do)
}

// Middleware makes app reachable from requests, for [From] and [Send].
func Middleware(app *inngestkit.App) func(http.Handler) http.Handler {
	inngestkit.MustApp("inngesthttp: Middleware", app)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(inngestkit.NewContext(r.Context(), app)))
		})
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(r *http.Request) *inngestkit.App {
	if r == nil {
		return nil
	}
	return inngestkit.FromContext(r.Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
func Send(r *http.Request, events ...inngestkit.AnyEvent) ([]string, error) {
	if r == nil {
		return nil, errors.New("inngesthttp: Send: the request is nil")
	}
	return inngestkit.Send(r.Context(), events...)
}
