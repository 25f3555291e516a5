// Package inngesthttp serves an inngestkit app with net/http, chi, gorilla/mux, and
// other routers that accept an http.Handler.
package inngesthttp

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "nethttp"

// Router is an *http.ServeMux, a chi.Router, or another router with the same Handle
// method, on which an app is mounted.
type Router interface {
	Handle(pattern string, handler http.Handler)
}

var _ Router = (*http.ServeMux)(nil)

// RouterFunc adapts a function to a [Router], for routers with a different Handle, such
// as gorilla/mux. The pattern is a path, for all methods.
type RouterFunc func(pattern string, handler http.Handler)

// Handle implements [Router].
func (f RouterFunc) Handle(pattern string, handler http.Handler) { f(pattern, handler) }

// Mount registers the endpoints of app on router. It registers all methods; the app
// responds with 405 to those it does not support. On an *http.ServeMux, each endpoint
// is served with and without a trailing slash, and does not conflict with any pattern
// of the site. On other routers it is served only at its exact path.
//
// Behind http.StripPrefix or in a sub-router, set Config.ServePath to the full path,
// for [inngestkit.App.Start]. Mount panics if the app or the router is nil, or if
// another app is mounted at one of the paths; with a [RouterFunc] it cannot detect the
// latter.
func Mount(router Router, app *inngestkit.App) {
	adapter.MustMount(mount, router, app)
	for _, route := range app.Routes() {
		adapter.Claim(mount, app, router, route.Path)
		handler := adapter.HTTPHandler(framework, route.Do)
		if mux, ok := router.(*http.ServeMux); ok {
			handleOn(mux, route.Path, handler)
		} else {
			router.Handle(route.Path, handler)
		}
	}
	app.MountedAt(framework, app.Path())
}

// mount is the name of Mount in panics.
const mount = "inngesthttp: Mount"

// methods lists the methods that net/http has constants for, except HEAD, which GET
// includes.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// handleOn registers a handler on mux for each method: a pattern without a method would
// conflict with patterns of the site, such as "GET /".
func handleOn(mux *http.ServeMux, path string, handler http.Handler) {
	base := strings.TrimSuffix(path, "/")
	for _, method := range methods {
		mux.Handle(method+" "+base+"/{$}", handler)
		if base != "" {
			mux.Handle(method+" "+base, handler)
		}
	}
}

// Handler returns the endpoint that Inngest calls, for routers that Mount does not
// support. With Handler, call [inngestkit.App.MountedAt] with its path.
func Handler(app *inngestkit.App) http.Handler {
	return adapter.HTTPHandler(framework, adapter.MustApp("inngesthttp: Handler", app).Do)
}

// Middleware stores app in the context of requests, for [From] and [Send].
func Middleware(app *inngestkit.App) func(http.Handler) http.Handler {
	adapter.MustApp("inngesthttp: Middleware", app)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(inngestkit.NewContext(r.Context(), app)))
		})
	}
}

// From returns the app of a request, or nil if the request has not passed [Middleware].
func From(r *http.Request) *inngestkit.App { return inngestkit.FromContext(requestContext(r)) }

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. An error is an [*Error].
func Send(r *http.Request, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(requestContext(r), events...)
	if err != nil {
		return ids, &Error{Status: inngestkit.SendStatus(err), Err: err}
	}
	return ids, nil
}

// requestContext returns the context of a request, or nil if r is nil.
func requestContext(r *http.Request) context.Context {
	if r == nil {
		return nil
	}
	return r.Context()
}

// Error is the error of [Send]. It wraps the app's error.
//
// Its text is for logs. Show clients only http.StatusText(Status).
type Error struct {
	// Status is the HTTP status for the client; see [inngestkit.SendStatus].
	Status int
	// Err is the app's error.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %v", e.Status, http.StatusText(e.Status), e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
