// Package inngestgin serves an inngestkit app with Gin.
package inngestgin

import (
	"context"
	"errors"
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
		handler.ServeHTTP(c.Writer, c.Request.WithContext(withKeys(c)))
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
	app := From(c)
	if app == nil {
		return nil, errors.New("inngestgin: send: the request has no app; install inngestgin.Middleware")
	}
	return app.Send(c.Request.Context(), events...)
}

// keysContext shows functions what middleware has stored with c.Set. It holds a
// copy, because Gin goes on with its context, for this request and for others.
type keysContext struct {
	context.Context //nolint:containedctx // this is a context

	keys map[any]any
}

func withKeys(c *gin.Context) context.Context {
	ctx := c.Request.Context()
	if keys := c.Copy().Keys; len(keys) > 0 {
		return keysContext{ctx, keys}
	}
	return ctx
}

// Value implements context.Context.
func (c keysContext) Value(key any) any {
	if v, ok := c.keys[key]; ok {
		return v
	}
	return c.Context.Value(key)
}
