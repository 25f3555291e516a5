// Package inngesthttp serves an inngestkit app with net/http, and so with chi,
// gorilla/mux and every router that takes an http.Handler.
package inngesthttp

import (
	"net/http"

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
// gorilla/mux has it.
type RouterFunc func(pattern string, handler http.Handler)

// Handle implements [Router].
func (f RouterFunc) Handle(pattern string, handler http.Handler) { f(pattern, handler) }

// Mount registers the endpoints of app on router, for all methods: the app
// answers those it does not support with 405 itself. Below http.StripPrefix or
// in a sub-router, set Config.ServePath to the full path, for [inngestkit.App.Start].
func Mount(router Router, app *inngestkit.App) {
	for _, route := range app.Routes() {
		router.Handle(route.Path, inngestkit.HTTPHandler(framework, route.Do))
	}
	app.MountedAt(framework, app.Path())
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) http.Handler {
	return inngestkit.HTTPHandler(framework, app.Do)
}

// Middleware makes app reachable from requests, for [From] and [Send].
func Middleware(app *inngestkit.App) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(inngestkit.NewContext(r.Context(), app)))
		})
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(r *http.Request) *inngestkit.App {
	return inngestkit.FromContext(r.Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
func Send(r *http.Request, events ...inngestkit.AnyEvent) ([]string, error) {
	return inngestkit.Send(r.Context(), events...)
}
