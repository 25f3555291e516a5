// Package inngestecho serves an inngestkit app with Echo.
package inngestecho

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"github.com/labstack/echo/v4"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "echo"

// Router is what an app is mounted on: an Echo instance or a group.
type Router interface {
	Any(path string, handler echo.HandlerFunc, middleware ...echo.MiddlewareFunc) []*echo.Route
}

var (
	_ Router = (*echo.Echo)(nil)
	_ Router = (*echo.Group)(nil)
)

// Mount registers the endpoints of app on router, for all methods: the app
// answers those it does not support with 405 itself. Each is there with and without a
// slash at the end. Mount panics if the app or the router is nil, or if another app is
// at one of the paths.
func Mount(router Router, app *inngestkit.App) {
	inngestkit.MustMount(mount, router, app)
	e, host := echoOf(router)
	for _, route := range app.Routes() {
		handler, base := handle(route.Do), strings.TrimSuffix(route.Path, "/")
		mounted := router.Any(base, handler)
		router.Any(base+"/", handler)
		inngestkit.Claim(mount, app, e, host+mounted[0].Path)
		if route.Path == app.Path() {
			app.MountedAt(framework, mounted[0].Path)
		}
	}
}

// mount names Mount in panics.
const mount = "inngestecho: Mount"

// echoOf returns the Echo instance of a router and the host that its routes are for,
// nil if it is not Echo's own. Groups do not tell them otherwise.
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

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) echo.HandlerFunc {
	return handle(inngestkit.MustApp("inngestecho: Handler", app).Do)
}

func handle(do func(context.Context, *inngestkit.Request) *inngestkit.Response) echo.HandlerFunc {
	handler := inngestkit.HTTPHandler(framework, do)
	return func(c echo.Context) error {
		ctx, end := inngestkit.WithLookup(c.Request().Context(), func(key any) any {
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

// Middleware makes app reachable from requests, for [From] and [Send].
func Middleware(app *inngestkit.App) echo.MiddlewareFunc {
	inngestkit.MustApp("inngestecho: Middleware", app)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(inngestkit.NewContext(c.Request().Context(), app)))
			return next(c)
		}
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c echo.Context) *inngestkit.App {
	if c == nil || c.Request() == nil {
		return nil
	}
	return inngestkit.FromContext(c.Request().Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. Its error is an [*echo.HTTPError] around that of the app,
// with a status that fits; its message for the client gives nothing away.
func Send(c echo.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	if c == nil || c.Request() == nil {
		return nil, errors.New("inngestecho: Send: the context is nil or has no request")
	}
	ids, err := inngestkit.Send(c.Request().Context(), events...)
	if err != nil {
		return ids, echo.NewHTTPError(inngestkit.SendStatus(err)).SetInternal(err)
	}
	return ids, nil
}
