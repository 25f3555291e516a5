// Package inngestfiber serves an inngestkit app with Fiber.
package inngestfiber

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// This package needs at least this version of the core.
const _ = inngestkit.IsAtLeastVersion0_1_0

// framework is the name Inngest is told.
const framework = "fiber"

// Mount registers the endpoints of app on router, for all methods: the app
// answers those it does not support with 405 itself. The router is an app, a
// group, or a sub-app that another app mounts, before or afterwards. Each endpoint is
// there with and without a slash at the end, with StrictRouting too. Mount panics if the
// app or the router is nil, or if another app is at one of the paths.
func Mount(router fiber.Router, app *inngestkit.App) {
	const mount = "inngestfiber: Mount"
	inngestkit.MustMount(mount, router, app)
	owner, endpoint := below(router, app.Path())
	prefix := strings.TrimSuffix(endpoint, strings.TrimSuffix(app.Path(), "/"))
	for _, route := range app.Routes() {
		claimed := path.Join("/", prefix, route.Path)
		if !owner.Config().CaseSensitive {
			claimed = strings.ToLower(claimed)
		}
		inngestkit.Claim(mount, app, owner, claimed)
		handler, base := handle(route.Do), strings.TrimSuffix(route.Path, "/")
		router.All(base, handler)
		router.All(base+"/", handler)
	}
	app.MountedAtFunc(framework, func() string { return path.Join("/", owner.MountPath(), endpoint) })
}

// below finds the app that router belongs to, and the path there of what is at name
// below router. Groups do not tell the app they belong to, but they tell it to what is
// mounted on them: an app without routes.
func below(router fiber.Router, name string) (owner *fiber.App, inOwner string) {
	probe := fiber.New()
	probe.Hooks().OnMount(func(parent *fiber.App) error {
		owner = parent
		return nil
	})
	router.Mount(strings.TrimSuffix(name, "/")+"/-", probe) // where nobody has mounted an app: it would lose its ErrorHandler
	return owner, path.Dir(probe.MountPath())
}

// Handler returns the endpoint of app that Inngest calls, to be mounted by
// hand. [inngestkit.App.Start] then has to be told where, with App.MountedAt.
func Handler(app *inngestkit.App) fiber.Handler {
	return handle(inngestkit.MustApp("inngestfiber: Handler", app).Do)
}

func handle(do func(context.Context, *inngestkit.Request) *inngestkit.Response) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, end := contextOf(c)
		var resp *inngestkit.Response
		defer func() {
			end()
			if resp == nil {
				hangUp(c)
			}
		}()
		resp = do(ctx, requestOf(c))
		return write(c, resp)
	}
}

// hangUp closes the connection of a request whose goroutine ends without an answer
// (runtime.Goexit in a function): fasthttp leaves it open, and the caller would wait.
func hangUp(c *fiber.Ctx) {
	if conn := c.Context().Conn(); conn != nil {
		_ = conn.Close()
	}
}

// Middleware makes app reachable from requests, for [From] and [Send], and for
// [inngestkit.Send] with the Context or the UserContext of a *fiber.Ctx.
func Middleware(app *inngestkit.App) fiber.Handler {
	inngestkit.MustApp("inngestfiber: Middleware", app)
	return func(c *fiber.Ctx) error {
		c.Locals(inngestkit.StoreKey, app)
		c.SetUserContext(inngestkit.NewContext(c.UserContext(), app))
		return c.Next()
	}
}

// From returns the app of a request, nil if [Middleware] has not seen it.
func From(c *fiber.Ctx) *inngestkit.App {
	if c == nil {
		return nil
	}
	return inngestkit.FromContext(c.UserContext())
}

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. Its error wraps that of the app and a [*fiber.Error] with
// a status that fits. Its text is for logs; Fiber's default ErrorHandler shows it to
// clients, as it does with all errors.
func Send(c *fiber.Ctx, events ...inngestkit.AnyEvent) ([]string, error) {
	if c == nil {
		return nil, errors.New("inngestfiber: Send: the context is nil")
	}
	ids, err := inngestkit.Send(c.UserContext(), events...)
	if err != nil {
		return ids, fmt.Errorf("%w: %w", fiber.NewError(inngestkit.SendStatus(err)), err)
	}
	return ids, nil
}
