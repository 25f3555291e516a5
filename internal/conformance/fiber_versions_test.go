package conformance

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Fiber's own contexts end with the server or never, and not with the request. Their
// memory is reused for later requests. The tests in the files fiber*_test.go show that
// neither affects functions, with both versions of Fiber.

// fiberCtx is what the contexts of both versions have in common.
type fiberCtx interface {
	Body() []byte
	Get(key string, defaultValue ...string) string
	Locals(key any, value ...any) any
	Next() error
	Path(override ...string) string
	Query(key string, defaultValue ...string) string
	Request() *fasthttp.Request
	SendString(body string) error
	SendStatus(status int) error
}

type fiberHandler = func(c fiberCtx) error

// fiberConfig is what the tests configure.
type fiberConfig struct {
	streams     bool
	bodyLimit   int
	readTimeout time.Duration
}

// A fiberApp is an application of either version.
type fiberApp interface {
	testsite.Server

	Server() *fasthttp.Server
	use(middleware fiberHandler)
	post(path string, handler fiberHandler)
	// mount mounts the app on a group.
	mount(prefix string, app *inngestkit.App)
	// send sends an event with the adapter's Send for each POST to path, which passes
	// middleware and the adapter's Middleware first.
	send(path string, app *inngestkit.App, middleware fiberHandler)
}

type fiberVersion struct {
	name string
	new  func(config fiberConfig) fiberApp
	// contexts are what a user makes of a request's context. The argument belongs to the
	// whole server.
	contexts func(server context.Context) []userContext
}

// userContext is a context that middleware sets.
type userContext struct {
	name string
	set  fiberHandler
}

type tenantKey struct{}

func withTenant(ctx context.Context) context.Context {
	return context.WithValue(ctx, tenantKey{}, "acme")
}

var fiberVersions = []fiberVersion{
	{"fiber", newFiberV2, func(server context.Context) []userContext {
		set := func(contextOf func(c *fiber.Ctx) context.Context) fiberHandler {
			return func(c fiberCtx) error {
				v2 := c.(*fiber.Ctx)
				v2.SetUserContext(withTenant(contextOf(v2)))
				return c.Next()
			}
		}
		return []userContext{
			{"no context of the user's", fiberCtx.Next},
			{"one for the whole server", set(func(*fiber.Ctx) context.Context { return server })},
			{"one made from RequestCtx", set(func(c *fiber.Ctx) context.Context { return c.Context() })},
		}
	}},
	{"fiberv3", newFiberV3, func(server context.Context) []userContext {
		set := func(contextOf func(c fiberv3.Ctx) context.Context) fiberHandler {
			return func(c fiberCtx) error {
				v3 := c.(fiberv3.Ctx)
				v3.SetContext(withTenant(contextOf(v3)))
				return c.Next()
			}
		}
		return []userContext{
			{"no context of the user's", fiberCtx.Next},
			{"one for the whole server", set(func(fiberv3.Ctx) context.Context { return server })},
			{"one made from RequestCtx", set(func(c fiberv3.Ctx) context.Context { return c.RequestCtx() })},
			{"one made from fiber.Ctx", set(func(c fiberv3.Ctx) context.Context { return c })},
		}
	}},
}

// userContexts returns the contexts of a version.
func (v fiberVersion) userContexts(t *testing.T) []userContext {
	t.Helper()
	server, end := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(end)
	return v.contexts(server)
}

// withApp returns an app on Fiber, behind middleware and below a path with a parameter. It
// does not log and is not served yet.
func (v fiberVersion) withApp(t *testing.T, before fiberHandler, functions ...inngestkit.Function) (*inngestkit.App, fiberApp) {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	f := v.new(fiberConfig{streams: true})
	f.use(before)
	f.mount("/:tenant", app)
	return app, f
}

// eachFiber runs test once for each version.
func eachFiber(t *testing.T, test func(t *testing.T, version fiberVersion)) {
	t.Helper()
	for _, version := range fiberVersions {
		t.Run(version.name, func(t *testing.T) {
			t.Parallel()
			test(t, version)
		})
	}
}

type fiberV2App struct{ testsite.Fiber }

func newFiberV2(config fiberConfig) fiberApp {
	return fiberV2App{testsite.Fiber{App: fiber.New(fiber.Config{
		StreamRequestBody: config.streams, BodyLimit: config.bodyLimit, ReadTimeout: config.readTimeout, DisableStartupMessage: true,
	})}}
}

func (f fiberV2App) use(middleware fiberHandler) {
	f.Use(func(c *fiber.Ctx) error { return middleware(c) })
}

func (f fiberV2App) post(path string, handler fiberHandler) {
	f.Post(path, func(c *fiber.Ctx) error { return handler(c) })
}

func (f fiberV2App) mount(prefix string, app *inngestkit.App) {
	inngestfiber.Mount(f.Group(prefix), app)
}

func (f fiberV2App) send(path string, app *inngestkit.App, middleware fiberHandler) {
	f.Post(path, func(c *fiber.Ctx) error { return middleware(c) }, inngestfiber.Middleware(app), func(c *fiber.Ctx) error {
		_, err := inngestfiber.Send(c, signedUp.New(user{}))
		return err
	})
}

type fiberV3App struct{ testsite.FiberV3 }

func newFiberV3(config fiberConfig) fiberApp {
	return fiberV3App{testsite.FiberV3{App: fiberv3.New(fiberv3.Config{
		StreamRequestBody: config.streams, BodyLimit: config.bodyLimit, ReadTimeout: config.readTimeout,
	})}}
}

func (f fiberV3App) use(middleware fiberHandler) {
	f.Use(func(c fiberv3.Ctx) error { return middleware(c) })
}

func (f fiberV3App) post(path string, handler fiberHandler) {
	f.Post(path, func(c fiberv3.Ctx) error { return handler(c) })
}

func (f fiberV3App) mount(prefix string, app *inngestkit.App) {
	inngestfiberv3.Mount(f.Group(prefix), app)
}

func (f fiberV3App) send(path string, app *inngestkit.App, middleware fiberHandler) {
	f.Post(path, func(c fiberv3.Ctx) error { return middleware(c) }, inngestfiberv3.Middleware(app), func(c fiberv3.Ctx) error {
		_, err := inngestfiberv3.Send(c, signedUp.New(user{}))
		return err
	})
}
