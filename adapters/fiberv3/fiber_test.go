package inngestfiberv3_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"go.uber.org/goleak"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp updates the Date header of all servers in one goroutine, which never ends.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// The worker pool of each server has one that checks for idle workers every 10 s. It
		// ends only when it wakes up after the server's end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// The suite runs with Fiber's defaults, with the options that affect requests, and with a
// context of the user's own type.
func TestAdapter(t *testing.T) {
	run(t, fiber.New, fiber.Config{})
}

func TestAdapterWithOptions(t *testing.T) {
	run(t, fiber.New, fiber.Config{StreamRequestBody: true, DisableHeaderNormalizing: true, Immutable: true, StrictRouting: true})
}

func TestAdapterWithCustomCtx(t *testing.T) {
	run(t, func(config ...fiber.Config) *fiber.App {
		return fiber.NewWithCustomCtx(func(app *fiber.App) fiber.CustomCtx {
			return &customCtx{*fiber.NewDefaultCtx(app)}
		}, config...)
	}, fiber.Config{})
}

// customCtx is a context of a user.
type customCtx struct{ fiber.DefaultCtx }

func run(t *testing.T, create func(config ...fiber.Config) *fiber.App, config fiber.Config) {
	t.Helper()
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "fiberv3", CancelsOnHangUp: true, StatusOf: statusOf, KeepsValues: true, KnowsGroups: true, TrailingSlash: adaptertest.SlashServed,
		StreamsBodies: config.StreamRequestBody, ReadsAhead: 8 << 10,
		New: func(_ testing.TB, site adaptertest.Site) adaptertest.Server {
			config := config
			config.BodyLimit = site.BodyLimit
			return newServer(create(config), site)
		},
	})
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*fiber.Error](err)
	if !ok {
		return 0
	}
	return failed.Code
}

type server struct{ *fiber.App }

func (s server) Serve(listener net.Listener) error {
	return s.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s server) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }

func newServer(app *fiber.App, site adaptertest.Site) adaptertest.Server {
	app.Use(func(c fiber.Ctx) error {
		c.Locals(adaptertest.TenantKey, c.Get(adaptertest.TenantHeader))
		c.Locals(adaptertest.PageKey, c.Query(adaptertest.PageQuery))
		tenant := strings.Clone(c.Get(adaptertest.TenantHeader))
		c.SetContext(context.WithValue(c.Context(), adaptertest.ContextKey{}, tenant))
		err := c.Next()
		c.Locals(adaptertest.TenantKey, adaptertest.Stale)
		return err
	})
	var router fiber.Router = app
	for _, prefix := range site.Groups {
		router = router.Group(prefix)
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngestfiberv3.Mount(router, app)
	}
	app.All(adaptertest.HandPath, inngestfiberv3.Handler(site.App))

	send := func(c fiber.Ctx) error {
		ids, err := inngestfiberv3.Send(c, site.Event)
		if err != nil {
			site.Failed(err)
			return err
		}
		return c.JSON(ids)
	}
	with := inngestfiberv3.Middleware(site.App)
	app.Post(adaptertest.BareSendPath, send)
	app.Post(adaptertest.SendPath, with, send)
	app.Get(adaptertest.FromPath, with, func(c fiber.Ctx) error { return c.SendString(inngestfiberv3.From(c).ID()) })
	return server{app}
}
