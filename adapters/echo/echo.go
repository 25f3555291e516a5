// Package inngestecho serves an inngestkit app with Echo v4.
//
//	e.Use(inngestecho.Middleware(app)) // for From and Send in handlers
//	inngestecho.Mount(e, app)          // at /api/inngest, where the Inngest server calls the functions
//
// The README of the module has a complete program.
package inngestecho

import (
	"context"
	"log/slog"
	"reflect"
	"strings"

	"github.com/labstack/echo/v4"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "echo"

// Router is an Echo instance or a group on which an app is mounted.
type Router interface {
	Any(path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) []*echo.Route
}

var (
	_ Router = (*echo.Echo)(nil)
	_ Router = (*echo.Group)(nil)
)

// Mount registers the endpoints of app on router, with and without a trailing slash. It
// registers all methods; the app responds with 405 to those it does not support. Mount
// panics if the app or the router is nil, or if another app is mounted at one of the
// paths.
func Mount(router Router, app *inngestkit.App) {
	adapter.MustMount(mount, router, app)
	e, host := echoOf(router)
	for _, route := range app.Routes() {
		handler, base := handle(app.Logger(), route.Do), strings.TrimSuffix(route.Path, "/")
		mounted := router.Any(base, handler)
		router.Any(base+"/", handler)
		full := "/" + strings.TrimPrefix(mounted[0].Path, "/") // before Echo 4.12, a group's prefix may have no slash
		adapter.Claim(mount, app, e, host+full)
		if route.Path == app.Path() {
			app.MountedAt(framework, full)
		}
	}
}

// mount is the name of Mount in panics.
const mount = "inngestecho: Mount"

// echoOf returns the Echo instance of a router and the host that its routes are for;
// the instance is nil if the router is not Echo's own. A group has both in unexported
// fields only.
func echoOf(router Router) (e *echo.Echo, host string) {
	switch r := router.(type) {
	case *echo.Echo:
		return r, ""
	case *echo.Group:
		group := reflect.ValueOf(r).Elem()
		instance, host := group.FieldByName("echo"), group.FieldByName("host")
		if instance.IsValid() && instance.Type() == reflect.TypeFor[*echo.Echo]() && host.IsValid() {
			return (*echo.Echo)(instance.UnsafePointer()), host.String()
		}
	}
	return nil, ""
}

// Handler returns the endpoint that Inngest calls, for routers that Mount does not
// support. With Handler, call [inngestkit.App.MountedAt] with its path.
func Handler(app *inngestkit.App) echo.HandlerFunc {
	adapter.MustApp("inngestecho: Handler", app)
	return handle(app.Logger(), app.Do)
}

func handle(logger *slog.Logger, do adapter.Handler) echo.HandlerFunc {
	handler := adapter.HTTPHandler(framework, do)
	return func(c echo.Context) error {
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
	adapter.MustApp("inngestecho: Middleware", app)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(inngestkit.NewContext(c.Request().Context(), app)))
			return next(c)
		}
	}
}

// From returns the app of a request, or nil if the request has not passed [Middleware].
func From(c echo.Context) *inngestkit.App { return inngestkit.FromContext(requestContext(c)) }

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
//
// An error is an [*echo.HTTPError] that wraps the app's error. Its status is
// [inngestkit.SendStatus], and clients see only the text of the status.
func Send(c echo.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(requestContext(c), events...)
	if err != nil {
		return ids, echo.NewHTTPError(inngestkit.SendStatus(err)).SetInternal(err)
	}
	return ids, nil
}

// requestContext returns the context of a request, or nil if c has none.
func requestContext(c echo.Context) context.Context {
	if c == nil || c.Request() == nil {
		return nil
	}
	return c.Request().Context()
}
