// Package inngestfiber serves an inngestkit app with Fiber v2.
//
//	f.Use(inngestfiber.Middleware(app)) // for From and Send in handlers
//	inngestfiber.Mount(f, app)          // at /api/inngest, where the Inngest server calls the functions
//
// The README of the module has a complete program.
package inngestfiber

import (
	"log/slog"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/inngestkit/inngestkit/adapters/internal/onfasthttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// This package requires at least this version of the core.
const _ = adapter.IsAtLeastVersion0_1_0

// framework is the adapter's name in requests to Inngest.
const framework = "fiber"

// Mount registers the endpoints of app on router, with and without a trailing slash,
// also with StrictRouting. It registers all methods; the app responds with 405 to those
// it does not support. The router is a Fiber app, a group, or a sub-app, which may be
// mounted before or afterwards. Mount panics if the app or the router is nil, or if
// another app is mounted at one of the paths.
//
// Mount nested sub-apps from the inside out, or set Config.ServePath: otherwise the inner
// one does not know its full path.
func Mount(router fiber.Router, app *inngestkit.App) {
	const mount = "inngestfiber: Mount"
	adapter.MustMount(mount, router, app)
	owner, endpoint := below(router, app.Path())
	prefix := strings.TrimSuffix(endpoint, strings.TrimSuffix(app.Path(), "/"))
	for _, route := range app.Routes() {
		claimed := path.Join("/", prefix, route.Path)
		if !owner.Config().CaseSensitive {
			claimed = strings.ToLower(claimed)
		}
		adapter.Claim(mount, app, owner, claimed)
		handler, base := handle(app.Logger(), route.Do), strings.TrimSuffix(route.Path, "/")
		router.All(base, handler)
		router.All(base+"/", handler)
	}
	app.MountedAtFunc(framework, func() string { return path.Join("/", owner.MountPath(), endpoint) })
}

// below returns the Fiber app that router belongs to, and the full path in that app of
// name, which is relative to router. A group does not expose its app, but passes it to
// a sub-app mounted on the group. So below mounts a sub-app without routes.
func below(router fiber.Router, name string) (owner *fiber.App, inOwner string) {
	probe := fiber.New()
	probe.Hooks().OnMount(func(parent *fiber.App) error {
		owner = parent
		return nil
	})
	// The path must be unused: a user's sub-app at the same path would lose its ErrorHandler.
	router.Mount(strings.TrimSuffix(name, "/")+"/-", probe)
	return owner, path.Dir(probe.MountPath())
}

// Handler returns the endpoint that Inngest calls, for routers that Mount does not
// support. With Handler, call [inngestkit.App.MountedAt] with its path.
func Handler(app *inngestkit.App) fiber.Handler {
	adapter.MustApp("inngestfiber: Handler", app)
	return handle(app.Logger(), app.Do)
}

func handle(logger *slog.Logger, do adapter.Handler) fiber.Handler {
	endpoint := onfasthttp.Endpoint{Framework: framework, Logger: logger, Do: do}
	return func(c *fiber.Ctx) error {
		endpoint.Serve(c.UserContext(), c.Context(), c.App().Server())
		return nil
	}
}

// Middleware stores app in the context of requests, for [From] and [Send], and for
// [inngestkit.Send] with the Context or the UserContext of a *fiber.Ctx. Prefer [Send],
// which keeps HTTP clients from using Fiber's contexts after the handler has returned.
func Middleware(app *inngestkit.App) fiber.Handler {
	adapter.MustApp("inngestfiber: Middleware", app)
	return func(c *fiber.Ctx) error {
		c.Locals(adapter.StoreKey, app)
		c.SetUserContext(inngestkit.NewContext(c.UserContext(), app))
		return c.Next()
	}
}
