// Package inngestgin serves an inngestkit app with Gin.
package inngestgin

import (
	"context"
	"path"

	"github.com/gin-gonic/gin"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "gin"

// Mount registers the endpoints of app on router, which is an engine or a group,
// for all methods: the app answers those it does not support with 405 itself.
func Mount(router gin.IRouter, app *inngestkit.App) {
	for _, route := range app.Routes() {
		router.Any(route.Path, handle(route.Do))
	}
	prefix := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		prefix = group.BasePath()
	}
	app.MountedAt(framework, path.Join(prefix, app.Path()))
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) gin.HandlerFunc {
	return handle(app.Do)
}

func handle(do func(context.Context, *inngestkit.Request) *inngestkit.Response) gin.HandlerFunc {
	handler := inngestkit.HTTPHandler(framework, do)
	return func(c *gin.Context) {
		// A copy, because Gin goes on with its context, for this request and for others.
		ctx := inngestkit.WithValues(c.Request.Context(), c.Copy().Keys)
		handler.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
	}
}

// Middleware makes app reachable from requests, for [From] and [Send].
func Middleware(app *inngestkit.App) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request = c.Request.WithContext(inngestkit.NewContext(c.Request.Context(), app))
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c *gin.Context) *inngestkit.App {
	return inngestkit.FromContext(c.Request.Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
func Send(c *gin.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	return inngestkit.Send(c.Request.Context(), events...)
}
