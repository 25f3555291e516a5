// Package inngestgin serves an inngestkit app with Gin.
package inngestgin

import (
	"context"
	"errors"
	"maps"
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
		router.Any(route.Path, handle(route))
	}
	prefix := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		prefix = group.BasePath()
	}
	app.MountedAt(framework, path.Join(prefix, app.Path()))
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by hand.
func Handler(app *inngestkit.App) gin.HandlerFunc {
	return handle(inngestkit.Route{Do: app.Do})
}

func handle(route inngestkit.Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := c.Request
		if len(c.Keys) > 0 {
			r = r.WithContext(withKeys(r.Context(), c))
		}
		inngestkit.ServeHTTP(c.Writer, r, framework, route.Do)
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
// copy, because Gin goes on with the context, for this request and for others.
type keysContext struct {
	context.Context //nolint:containedctx // this is a context

	keys map[any]any
}

func withKeys(ctx context.Context, c *gin.Context) context.Context {
	return keysContext{ctx, maps.Clone(c.Keys)}
}

// Value implements context.Context.
func (c keysContext) Value(key any) any {
	if v, ok := c.keys[key]; ok {
		return v
	}
	return c.Context.Value(key)
}
