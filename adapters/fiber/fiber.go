// Package inngestfiber serves an inngestkit app with Fiber.
package inngestfiber

import (
	"context"
	"fmt"
	"path"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "fiber"

// Mount registers the endpoints of app on router, for all methods: the app
// answers those it does not support with 405 itself. The router is an app, a
// group, or a sub-app that another app mounts, before or afterwards.
func Mount(router fiber.Router, app *inngestkit.App) {
	for _, route := range app.Routes() {
		router.All(route.Path, handle(route.Do))
	}
	app.MountedAtFunc(framework, pathBelow(router, app.Path()))
}

// pathBelow finds the full path of what is at name below router. Groups do not
// tell the app they belong to, but they tell it to what is mounted on them: an app
// without routes.
func pathBelow(router fiber.Router, name string) func() string {
	probe := fiber.New()
	var owner *fiber.App
	probe.Hooks().OnMount(func(parent *fiber.App) error {
		owner = parent
		return nil
	})
	router.Mount(name+"/-", probe) // where nobody has mounted an app: it would lose its ErrorHandler
	inOwner := path.Dir(probe.MountPath())
	return func() string { return path.Join(owner.MountPath(), inOwner) }
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) fiber.Handler {
	return handle(app.Do)
}

func handle(do func(context.Context, *inngestkit.Request) *inngestkit.Response) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, end := contextOf(c)
		defer end()
		return write(c, do(ctx, requestOf(c)))
	}
}

// Middleware makes app reachable from requests, for [From] and [Send].
func Middleware(app *inngestkit.App) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.SetUserContext(inngestkit.NewContext(c.UserContext(), app))
		return c.Next()
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c *fiber.Ctx) *inngestkit.App {
	return inngestkit.FromContext(c.UserContext())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. Its error wraps that of the app and a [*fiber.Error] with
// a status that fits. Its text is for logs; Fiber's default ErrorHandler shows it to
// clients, as it does with all errors.
func Send(c *fiber.Ctx, events ...inngestkit.AnyEvent) ([]string, error) {
	ids, err := inngestkit.Send(c.UserContext(), events...)
	if err != nil {
		return ids, fmt.Errorf("%w: %w", fiber.NewError(inngestkit.SendStatus(err)), err)
	}
	return ids, nil
}
