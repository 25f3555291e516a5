// Package inngestgin serves an inngestkit app with Gin.
package inngestgin

import (
	"context"
	"errors"
	"path"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "gin"

// Mount registers the endpoints of app on router, which is an engine or a group,
// for all methods: the app answers those it does not support with 405 itself. Each is
// there with and without a slash at the end. Mount panics if the app or the router is
// nil, or if one of the paths is taken, by another app for example.
func Mount(router gin.IRouter, app *inngestkit.App) {
	inngestkit.MustMount(mount, router, app)
	prefix := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		prefix = group.BasePath()
	}
	engine := engineOf(router)
	for _, route := range app.Routes() {
		full := path.Join(prefix, route.Path)
		inngestkit.Claim(mount, app, engine, full)
		handler, base := handle(route.Do), strings.TrimSuffix(route.Path, "/")
		router.Any(base+"/", handler)
		if full != "/" {
			router.Any(base, handler)
		}
	}
	app.MountedAt(framework, path.Join(prefix, app.Path()))
}

// mount names Mount in panics.
const mount = "inngestgin: Mount"

// engineOf returns the engine of a router, nil if it is not Gin's own. Groups do not
// tell theirs otherwise.
func engineOf(router gin.IRouter) *gin.Engine {
	switch r := router.(type) {
	case *gin.Engine:
		return r
	case *gin.RouterGroup:
		engine := reflect.ValueOf(r).Elem().FieldByName("engine")
		if engine.IsValid() && engine.Type() == reflect.TypeFor[*gin.Engine]() {
			return (*gin.Engine)(engine.UnsafePointer())
		}
	}
	return nil
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) gin.HandlerFunc {
	return handle(inngestkit.MustApp("inngestgin: Handler", app).Do)
}

func handle(do func(context.Context, *inngestkit.Request) *inngestkit.Response) gin.HandlerFunc {
	handler := inngestkit.HTTPHandler(framework, do)
	return func(c *gin.Context) {
		// A copy, because Gin goes on with its context, for this request and for others.
		ctx := inngestkit.WithValues(c.Request.Context(), c.Copy().Keys)
		handler.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
	}
}

// Middleware makes app reachable from requests, for [From] and [Send], and for
// [inngestkit.Send] with the *gin.Context or the context of its request.
func Middleware(app *inngestkit.App) gin.HandlerFunc {
	inngestkit.MustApp("inngestgin: Middleware", app)
	return func(c *gin.Context) {
		c.Set(inngestkit.StoreKey, app)
		c.Request = c.Request.WithContext(inngestkit.NewContext(c.Request.Context(), app))
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c *gin.Context) *inngestkit.App {
	if c == nil || c.Request == nil {
		return nil
	}
	return inngestkit.FromContext(c.Request.Context())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
func Send(c *gin.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	if c == nil || c.Request == nil {
		return nil, errors.New("inngestgin: Send: the context is nil or has no request")
	}
	return inngestkit.Send(c.Request.Context(), events...)
}
