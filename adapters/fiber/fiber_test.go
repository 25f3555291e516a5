package inngestfiber_test

import (
	"context"
	"net"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"go.uber.org/goleak"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp writes the Date header of all servers from one goroutine, which never ends.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// Each server's pool of workers has one that looks for idle workers every 10 s, and ends
		// only when it wakes up after the server's end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "fiber", New: newServer, KeepsValues: true, KnowsGroups: true, TrailingSlash: adaptertest.SlashServed,
	})
}

type server struct{ *fiber.App }

func (s server) Serve(listener net.Listener) error { return s.Listener(listener) }

func (s server) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }

func newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	app := fiber.New(fiber.Config{BodyLimit: site.BodyLimit, DisableStartupMessage: true})
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
	inngestfiber.Mount(router, site.App)
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
