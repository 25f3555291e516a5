package inngestfiber_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"go.uber.org/goleak"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
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

// The suite runs with Fiber's defaults, and with the options that affect requests.
func TestAdapter(t *testing.T) {
	run(t, fiber.Config{})
}

func TestAdapterWithOptions(t *testing.T) {
	run(t, fiber.Config{StreamRequestBody: true, DisableHeaderNormalizing: true, Immutable: true, StrictRouting: true})
}

func run(t *testing.T, config fiber.Config) {
	t.Helper()
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "fiber", StatusOf: statusOf, CancelsOnHangUp: true, KeepsValues: true, KnowsGroups: true, TrailingSlash: adaptertest.SlashServed,
		StreamsBodies: config.StreamRequestBody, ReadsAhead: 8 << 10,
		New: func(_ testing.TB, site adaptertest.Site) adaptertest.Server { return newServer(config, site) },
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

func (s server) Serve(listener net.Listener) error { return s.Listener(listener) }

func (s server) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }

func newServer(config fiber.Config, site adaptertest.Site) adaptertest.Server {
	config.BodyLimit, config.DisableStartupMessage = site.BodyLimit, true
	app := fiber.New(config)
	app.Use(func(c *fiber.Ctx) error {
		c.Locals(adaptertest.TenantKey, c.Get(adaptertest.TenantHeader))
		c.Locals(adaptertest.PageKey, c.Query(adaptertest.PageQuery))
		tenant := utils.CopyString(c.Get(adaptertest.TenantHeader))
		c.SetUserContext(context.WithValue(c.UserContext(), adaptertest.ContextKey{}, tenant))
		err := c.Next()
		c.Locals(adaptertest.TenantKey, adaptertest.Stale)
		return err
	})
	var router fiber.Router = app
	for _, prefix := range site.Groups {
		router = router.Group(prefix)
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngestfiber.Mount(router, app)
	}
	app.All(adaptertest.HandPath, inngestfiber.Handler(site.App))

	send := func(c *fiber.Ctx) error {
		ids, err := inngestfiber.Send(c, site.Event)
		if err != nil {
			site.Failed(err)
			return err
		}
		return c.JSON(ids)
	}
	with := inngestfiber.Middleware(site.App)
	app.Post(adaptertest.BareSendPath, send)
	app.Post(adaptertest.SendPath, with, send)
	app.Get(adaptertest.FromPath, with, func(c *fiber.Ctx) error { return c.SendString(inngestfiber.From(c).ID()) })
	return server{app}
}
