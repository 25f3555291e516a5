// Package inngestechov5 serves an inngestkit app with Echo v5.
//
//	e.Use(inngestechov5.Middleware(app)) // for From and Send in handlers
//	inngestechov5.Mount(e, app)          // at /api/inngest, where the Inngest server calls the functions
//
// The README of the module has a complete program.
package inngestechov5

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/labstack/echo/v5"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "echov5"

// Router is an Echo instance or a group on which an app is mounted.
type Router interface {
	AddRoute(route echo.Route) (echo.RouteInfo, error)
}

var (
	_ Router = (*echo.Echo)(nil)
	_ Router = (*echo.Group)(nil)
)

// Mount registers the endpoints of app on router, with and without a trailing slash. It
// registers all methods; the app responds with 405 to those it does not support. Mount
// panics if the app or the router is nil, if another app is mounted at one of the paths,
// or if Echo rejects a route.
func Mount(router Router, app *inngestkit.App) {
	adapter.MustMount(mount, router, app)
	e := echoOf(router)
	for _, route := range app.Routes() {
		handler, base := handle(app.Logger(), route.Do), strings.TrimSuffix(route.Path, "/")
		full, err := add(router, base, handler)
		if full != "" {
			adapter.Claim(mount, app, e, full) // its message says more than Echo's
		}
		if err == nil {
			_, err = add(router, base+"/", handler)
		}
		if err != nil {
			panic(fmt.Sprintf("%s: Echo rejects a route of app %q: %v; "+
				"if the path is taken, set another Config.Path, or mount the app on a group of its own", mount, app.ID(), err))
		}
		if route.Path == app.Path() {
			app.MountedAt(framework, full)
		}
	}
}

// mount is the name of Mount in panics.
const mount = "inngestechov5: Mount"

// add registers a handler for all methods. It returns the full path of the route, with
// the prefixes of all groups, or "" if the route did not reach Echo's router.
func add(router Router, path string, handler echo.HandlerFunc) (full string, err error) {
	info, err := router.AddRoute(echo.Route{Method: echo.RouteAny, Path: path, Handler: handler})
	full = info.Path
	if err != nil {
		rejected, ok := errors.AsType[*echo.AddRouteError](err)
		if !ok {
			return "", err
		}
		full = rejected.Path
	}
	return "/" + strings.TrimPrefix(full, "/"), err // a group's prefix may have no slash
}

// echoOf returns the Echo instance of a router, or nil if the router is not Echo's own.
// A group has its instance in an unexported field only.
func echoOf(router Router) *echo.Echo {
	switch r := router.(type) {
	case *echo.Echo:
		return r
	case *echo.Group:
		instance := reflect.ValueOf(r).Elem().FieldByName("echo")
		if instance.IsValid() && instance.Type() == reflect.TypeFor[*echo.Echo]() {
			return (*echo.Echo)(instance.UnsafePointer())
		}
	}
	return nil
}

// Handler returns the endpoint that Inngest calls, for routers that Mount does not
// support. With Handler, call [inngestkit.App.MountedAt] with its path.
func Handler(app *inngestkit.App) echo.HandlerFunc {
	adapter.MustApp("inngestechov5: Handler", app)
	return handle(app.Logger(), app.Do)
}

func handle(logger *slog.Logger, do adapter.Handler) echo.HandlerFunc {
	handler := adapter.HTTPHandler(framework, do)
	return func(c *echo.Context) error {
		ctx, end := adapter.WithLookup(c.Request().Context(), logger, func(key any) any {
			if name, ok := key.(string); ok {
				return c.Get(name)
			}
			return nil
		})
		defer end()
		handler.ServeHTTP(c.Response(), c.Request().WithContext(ctx))
		return nil
	}
}

// Middleware stores app in the context of requests, for [From] and [Send].
func Middleware(app *inngestkit.App) echo.MiddlewareFunc {
	adapter.MustApp("inngestechov5: Middleware", app)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.SetRequest(c.Request().WithContext(inngestkit.NewContext(c.Request().Context(), app)))
			return next(c)
		}
	}
}

// From returns the app of a request, or nil if the request has not passed [Middleware].
func From(c *echo.Context) *inngestkit.App { return inngestkit.FromContext(requestContext(c)) }

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
//
// An error is an [*echo.HTTPError] that wraps the app's error. Its status is
// [inngestkit.SendStatus], and clients see only the text of the status.
func Send(c *echo.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(requestContext(c), events...)
	if err != nil {
		status := inngestkit.SendStatus(err)
		return ids, echo.NewHTTPError(status, http.StatusText(status)).Wrap(err)
	}
	return ids, nil
}

// requestContext returns the context of a request, or nil if c has none.
func requestContext(c *echo.Context) context.Context {
	if c == nil || c.Request() == nil {
		return nil
	}
	return c.Request().Context()
}
