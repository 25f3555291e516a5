package inngesthttp

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Router is an *http.ServeMux, a chi.Router, or another router with the same Handle
// method, on which an app is mounted. [Gorilla], [HTTPRouter] and [RouterFunc] make a
// Router of others.
type Router interface {
	Handle(pattern string, handler http.Handler)
}

var _ Router = (*http.ServeMux)(nil)

// RouterFunc adapts a function to a [Router], for routers with a different Handle. The
// function registers handler for all methods of the path in pattern.
type RouterFunc func(pattern string, handler http.Handler)

// Handle implements [Router].
func (f RouterFunc) Handle(pattern string, handler http.Handler) { f(pattern, handler) }

// Gorilla adapts a *mux.Router of gorilla/mux, whose Handle returns a *mux.Route, to a
// [Router]. The app is then announced with the prefixes of Subrouters.
func Gorilla[Route any](router gorillaRouter[Route]) Router { return gorilla[Route]{router} }

type gorillaRouter[Route any] interface {
	Handle(path string, handler http.Handler) Route
}

type gorilla[Route any] struct{ router gorillaRouter[Route] }

// Handle implements [Router].
func (g gorilla[Route]) Handle(path string, handler http.Handler) { g.register(path, handler) }

func (g gorilla[Route]) unwrap() any { return g.router }

// register registers a handler and returns its path with the prefixes of Subrouters. At
// the root of a Subrouter, it registers the prefix with and without a slash.
func (g gorilla[Route]) register(path string, handler http.Handler) (full string) {
	full = pathTemplate(g.router.Handle(path, handler), path)
	if path == "/" && full != "/" {
		return pathTemplate(g.router.Handle("", handler), full)
	}
	return full
}

// pathTemplate returns the path of a *mux.Route, or path if the route does not report one.
// It panics with the error of a route that gorilla/mux has not accepted, and which would
// respond to nothing.
func pathTemplate(route any, path string) string {
	if r, ok := route.(interface{ GetError() error }); ok {
		if err := r.GetError(); err != nil {
			panic(err)
		}
	}
	if r, ok := route.(interface{ GetPathTemplate() (string, error) }); ok {
		if full, err := r.GetPathTemplate(); err == nil {
			return full
		}
	}
	return path
}

// HTTPRouter adapts an *httprouter.Router, whose Handler registers one method at a time,
// to a [Router].
func HTTPRouter(router methodRouter) Router { return httpRouter{router} }

type methodRouter interface {
	Handler(method, path string, handler http.Handler)
}

type httpRouter struct{ router methodRouter }

// Handle implements [Router].
func (h httpRouter) Handle(path string, handler http.Handler) {
	h.router.Handler(http.MethodHead, path, handler)
	for _, method := range methods {
		h.router.Handler(method, path, handler)
	}
}

func (h httpRouter) unwrap() any { return h.router }

// methods lists the methods that net/http has constants for, except HEAD, which GET
// includes on a ServeMux.
var methods = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// pathReporter is a Router that reports the full paths of its routes.
type pathReporter interface {
	register(path string, handler http.Handler) (full string)
}

// unwrap returns the user's router, for adapter.Claim and nil checks.
func unwrap(router Router) any {
	if wrapped, ok := router.(interface{ unwrap() any }); ok {
		return wrapped.unwrap()
	}
	return router
}

// handle registers a route of app on router and returns its path, with the prefixes that
// the router reports.
func handle(router Router, app *inngestkit.App, route adapter.Route) (path string) {
	_, reports := router.(pathReporter)
	if !reports {
		adapter.Claim(mount, app, unwrap(router), route.Path)
	}
	path = register(router, app, route)
	if reports {
		adapter.Claim(mount, app, unwrap(router), path) // the path is not known before
	}
	return path
}

// register is handle without the claim. If the router panics, it adds the fix.
func register(router Router, app *inngestkit.App, route adapter.Route) (path string) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error: // a mistake in a RouterFunc
			panic(r)
		default:
			panic(fmt.Sprintf("%s: app %q cannot be mounted at %s: %v\n"+
				"If a pattern of the site is in the way, set another Config.Path, or mount the app on an http.ServeMux "+
				`of its own, outside of the site: mux := http.NewServeMux(); inngesthttp.Mount(mux, app); mux.Handle("/", site)`,
				mount, app.ID(), route.Path, r))
		}
	}()
	handler := adapter.HTTPHandler(framework, route.Do)
	switch r := router.(type) {
	case pathReporter:
		return r.register(route.Path, handler)
	case *http.ServeMux:
		handleOn(r, route.Path, handler)
	default:
		r.Handle(route.Path, handler)
	}
	return route.Path
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
