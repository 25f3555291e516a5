// Package inngestecho serves an inngestkit app with Echo.
package inngestecho

import (
	"context"

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
// answers those it does not support with 405 itself.
func Mount(router Router, app *inngestkit.App) {
	for _, route := range app.Routes() {
		mounted := router.Any(route.Path, handle(route.Do))
		if route.Path == app.Path() {
			app.MountedAt(framework, mounted[0].Path)
		}
	}
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) echo.HandlerFunc {
	return handle(app.Do)
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
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(inngestkit.NewContext(c.Request().Context(), app)))
			return next(c)
		}
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c echo.Context) *inngestkit.App {
	return inngestkit.FromContext(c.Request().Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. Its error is an [*echo.HTTPError] around that of the app,
// with a status that fits; its message for the client gives nothing away.
func Send(c echo.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(c.Request().Context(), events...)
	if err != nil {
		return ids, echo.NewHTTPError(inngestkit.SendStatus(err)).SetInternal(err)
	}
	return ids, nil
}
