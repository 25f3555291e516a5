// Package inngestgin serves an inngestkit app with Gin.
//
//	r.Use(inngestgin.Middleware(app)) // for From and Send in handlers
//	inngestgin.Mount(r, app)          // at /api/inngest, where the Inngest server calls the functions
//
// The README of the module has a complete program.
package inngestgin

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "gin"

// Mount registers the endpoints of app on router, an engine or a group, with and
// without a trailing slash. It registers all methods; the app responds with 405 to
// those it does not support. Mount panics if the app or the router is nil, or if one of
// the paths is taken, for example by another app.
func Mount(router gin.IRouter, app *inngestkit.App) {
	adapter.MustMount(mount, router, app)
	prefix := "/"
	if group, ok := router.(interface{ BasePath() string }); ok {
		prefix = group.BasePath()
	}
	engine := engineOf(router)
	for _, route := range app.Routes() {
		full := path.Join(prefix, route.Path)
		adapter.Claim(mount, app, engine, full)
		handler, base := handle(route.Do), strings.TrimSuffix(route.Path, "/")
		router.Any(base+"/", handler)
		if full != "/" {
			router.Any(base, handler)
		}
	}
	app.MountedAt(framework, path.Join(prefix, app.Path()))
}

// mount is the name of Mount in panics.
const mount = "inngestgin: Mount"

// engineOf returns the engine of a router, or nil if the router is not Gin's own. A
// group has its engine in an unexported field only.
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

// Handler returns the endpoint that Inngest calls, for routers that Mount does not
// support. With Handler, call [inngestkit.App.MountedAt] with its path.
func Handler(app *inngestkit.App) gin.HandlerFunc {
	return handle(adapter.MustApp("inngestgin: Handler", app).Do)
}

func handle(do adapter.Handler) gin.HandlerFunc {
	handler := adapter.HTTPHandler(framework, do)
	return func(c *gin.Context) {
		// Gin changes its context after the call and reuses it for other requests.
		ctx := adapter.WithValues(c.Request.Context(), anyKeys(c.Copy().Keys))
		handler.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
	}
}

// anyKeys returns values with keys of any type. They have those since Gin 1.11; in
// Gin 1.10 the keys are strings.
func anyKeys[K comparable](values map[K]any) map[any]any {
	if same, ok := any(values).(map[any]any); ok {
		return same
	}
	converted := make(map[any]any, len(values))
	for key, value := range values {
		converted[key] = value
	}
	return converted
}

// Middleware stores app in the context of requests, for [From] and [Send], and for
// [inngestkit.Send] with a *gin.Context or the context of its request.
func Middleware(app *inngestkit.App) gin.HandlerFunc {
	adapter.MustApp("inngestgin: Middleware", app)
	return func(c *gin.Context) {
		c.Set(adapter.StoreKey, app)
		c.Request = c.Request.WithContext(inngestkit.NewContext(c.Request.Context(), app))
	}
}

// From returns the app of a request, or nil if the request has not passed [Middleware].
func From(c *gin.Context) *inngestkit.App { return inngestkit.FromContext(requestContext(c)) }

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send].
//
// An error is a [*gin.Error] that wraps the app's error, for c.Error and
// c.AbortWithError. [inngestkit.SendStatus] returns its status. The error is private,
// so Gin's Logger prints it. As JSON it has only the status and the text of the status.
func Send(c *gin.Context, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(requestContext(c), events...)
	if err != nil {
		status := inngestkit.SendStatus(err)
		return ids, &gin.Error{
			Err:  err,
			Type: gin.ErrorTypePrivate,
			Meta: gin.H{"status": status, "error": http.StatusText(status)},
		}
	}
	return ids, nil
}

// requestContext returns the context of a request, or nil if c has none.
func requestContext(c *gin.Context) context.Context {
	if c == nil || c.Request == nil {
		return nil
	}
	return c.Request.Context()
}
