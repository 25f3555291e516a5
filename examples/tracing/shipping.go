package main

import (
	"context"
	"net"
	"time"

	"github.com/gofiber/contrib/otelfiber/v2"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	fiberrecover "github.com/gofiber/fiber/v2/middleware/recover"
	"go.opentelemetry.io/otel/metric/noop"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

// newShipping builds the service that ships paid orders, on Fiber.
func newShipping(app *inngestkit.App, t *telemetry) (server, error) {
	if err := app.Register(inngestkit.OnEvent("ship-order", orderPaid, ship)); err != nil {
		return nil, err
	}
	router := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		StreamRequestBody:     true,             // otherwise any client can reserve memory; no other route has a body
		ReadTimeout:           20 * time.Second, // otherwise half a request delays a shutdown
	})
	router.Get("/metrics", adaptor.HTTPHandler(t.scrape)) // before otelfiber, which therefore does not trace it

	// Without otelfiber's metrics: they have the Host header, which clients control, as a
	// label.
	router.Use(otelfiber.Middleware(otelfiber.WithTracerProvider(t.traces),
		otelfiber.WithMeterProvider(noop.NewMeterProvider()), otelfiber.WithPropagators(propagator),
		otelfiber.WithSpanNameFormatter(func(c *fiber.Ctx) string { return c.Method() + " " + c.Route().Path })))
	router.Use(fiberrecover.New())
	inngestfiber.Mount(router, app)
	return fiberServer{router}, nil
}

// ship ships an order. While it sleeps, this program uses no resources for it, but the
// trace continues.
func ship(ctx context.Context, in inngestkit.Input[Order]) (string, error) {
	order := in.Event.Data
	parcel, err := step.Run(ctx, "pack-parcel", func(ctx context.Context) (string, error) {
		inngestkit.Logger(ctx).Info("the parcel is packed", "order", order.ID)
		return "parcel-of-" + order.ID, nil
	})
	if err != nil {
		return "", err
	}
	step.Sleep(ctx, "await-courier", time.Second)

	return step.Run(ctx, "hand-over", func(ctx context.Context) (string, error) {
		inngestkit.Logger(ctx).Info("the courier has the parcel", "order", order.ID)
		return parcel, nil
	})
}

// fiberServer is a Fiber app with the methods of an *http.Server.
type fiberServer struct{ app *fiber.App }

// Serve implements server.
func (s fiberServer) Serve(listener net.Listener) error { return s.app.Listener(listener) }

// Shutdown implements server.
func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
