package testsite

import (
	"context"
	"net"
	"net/http"

	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
)

// HTTP is a server for a handler of net/http.
func HTTP(handler http.Handler) Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: Timeout}
}

// Echo is an application of Echo as a [Server].
type Echo struct{ *echo.Echo }

// Serve implements Server.
func (s Echo) Serve(listener net.Listener) error {
	s.Listener = listener
	return s.Start("")
}

// Fiber is an application of Fiber as a [Server].
type Fiber struct{ *fiber.App }

// Serve implements Server.
func (s Fiber) Serve(listener net.Listener) error { return s.Listener(listener) }

// Shutdown implements Server.
func (s Fiber) Shutdown(ctx context.Context) error { return s.ShutdownWithContext(ctx) }
