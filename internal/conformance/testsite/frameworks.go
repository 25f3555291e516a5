package testsite

import (
	"context"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	fiberv3 "github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v4"
	echov5 "github.com/labstack/echo/v5"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Frameworks mounts an app with each adapter, at the root of a router, and returns the
// server that users of the framework have.
var Frameworks = map[string]func(app *inngestkit.App) Server{
	"nethttp": func(app *inngestkit.App) Server {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		return HTTP(mux)
	},
	"gin": func(app *inngestkit.App) Server {
		r := gin.New()
		inngestgin.Mount(r, app)
		return HTTP(r)
	},
	"echo": func(app *inngestkit.App) Server {
		e := NewEcho()
		inngestecho.Mount(e, app)
		return Echo{Echo: e}
	},
	"echov5": func(app *inngestkit.App) Server {
		e := echov5.New()
		inngestechov5.Mount(e, app)
		return EchoV5(e)
	},
	"fiber": func(app *inngestkit.App) Server {
		f := NewFiber()
		inngestfiber.Mount(f, app)
		return Fiber{App: f}
	},
	"fiberv3": func(app *inngestkit.App) Server {
		f := NewFiberV3()
		inngestfiberv3.Mount(f, app)
		return FiberV3{App: f}
	},
	"lambda": Lambda,
}

// HTTP returns a server for a handler of net/http.
func HTTP(handler http.Handler) Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: Timeout}
}

// NewEcho returns an Echo application that prints nothing at startup.
func NewEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	return e
}

// Echo is an Echo application as a [Server].
type Echo struct{ *echo.Echo }

// Serve implements Server.
func (s Echo) Serve(listener net.Listener) error {
	s.Listener = listener
	return s.Start("")
}

// EchoV5 returns a server for an Echo v5 application. Echo v5 has no Shutdown: a server
// stops when the context that it was started with ends.
func EchoV5(e *echov5.Echo) Server {
	running, stop := context.WithCancel(context.Background())
	return &EchoV5Server{echo: e, running: running, stop: stop, stopped: make(chan struct{})}
}

// EchoV5Server is an Echo v5 application as a [Server].
type EchoV5Server struct {
	// BeforeServe configures the server that Echo creates.
	BeforeServe func(*http.Server) error

	echo    *echov5.Echo
	running context.Context //nolint:containedctx // Shutdown ends what Serve has started
	stop    context.CancelFunc
	stopped chan struct{}
}

// Serve implements Server.
func (s *EchoV5Server) Serve(listener net.Listener) error {
	defer close(s.stopped)
	config := echov5.StartConfig{
		Listener: listener, HideBanner: true, HidePort: true, GracefulTimeout: Timeout, BeforeServeFunc: s.BeforeServe,
	}
	return config.Start(s.running, s.echo)
}

// Shutdown implements Server.
func (s *EchoV5Server) Shutdown(ctx context.Context) error {
	s.stop()
	select {
	case <-s.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewFiber returns a Fiber application that streams bodies, as docs/adapters.md
// recommends, and prints nothing at startup.
func NewFiber() *fiber.App {
	return fiber.New(fiber.Config{
		StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes, DisableStartupMessage: true,
	})
}

// Fiber is a Fiber application as a [Server].
type Fiber struct{ *fiber.App }

// Serve implements Server.
func (s Fiber) Serve(listener net.Listener) error { return s.Listener(listener) }

// Shutdown implements Server.
func (s Fiber) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }

// NewFiberV3 is [NewFiber] for Fiber v3.
func NewFiberV3() *fiberv3.App {
	return fiberv3.New(fiberv3.Config{StreamRequestBody: true, BodyLimit: inngestkit.DefaultMaxBodyBytes})
}

// FiberV3 is a Fiber v3 application as a [Server].
type FiberV3 struct{ *fiberv3.App }

// Serve implements Server.
func (s FiberV3) Serve(listener net.Listener) error {
	return s.Listener(listener, fiberv3.ListenConfig{DisableStartupMessage: true})
}

// Shutdown implements Server.
func (s FiberV3) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }
