// Package inngesthttp serves an inngestkit app with net/http, chi, gorilla/mux, httprouter,
// and other routers that accept an http.Handler.
//
//	inngesthttp.Mount(mux, app)                 // at /api/inngest, where the Inngest server calls the functions
//	handler := inngesthttp.Middleware(app)(mux) // for From and Send in handlers
//
// The README of the module has a complete program.
package inngesthttp

import (
	"context"
	"fmt"
	"net/http"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "nethttp"

// Mount registers the endpoints of app on router. It registers all methods; the app
// responds with 405 to those it does not support. On an *http.ServeMux, each endpoint
// is served with and without a trailing slash. On other routers Mount registers only its
// exact path.
//
// [inngestkit.App.Start] announces the path of the app on router; with [Gorilla], including
// the prefixes of subrouters. Other routers do not report their prefix, and neither does
// http.StripPrefix: set Config.ServePath to the full path.
//
// Mount panics if the app or the router is nil, if another app is mounted at one of the
// paths, or if the router panics because a pattern of the site conflicts with the app's. It
// detects another app only on the same router value: not in another Group of chi, not in
// another Subrouter of gorilla/mux, and not with a [RouterFunc].
func Mount(router Router, app *inngestkit.App) {
	adapter.MustMount(mount, unwrap(router), app)
	at := app.Path()
	for i, route := range app.Routes() {
		path := handle(router, app, route)
		if i == 0 { // the endpoint that Inngest calls
			at = path
		}
	}
	app.MountedAt(framework, at)
}

// mount is the name of Mount in panics.
const mount = "inngesthttp: Mount"

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
