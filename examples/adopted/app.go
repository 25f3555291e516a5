package main

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/inngest/inngestgo"
	"go.opentelemetry.io/otel/trace"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

const appID = "shop"

// options are what the program gets from outside.
type options struct {
	client    inngestgo.ClientOpts // as before the move
	configure func(*inngestkit.Config)
	traces    trace.TracerProvider
	warehouse *Warehouse
}

// newApp returns an app with functions of both kinds.
func newApp(o options) (*inngestkit.App, error) {
	client, err := inngestgo.NewClient(o.client)
	if err != nil {
		return nil, err
	}
	if err := registerLegacy(client, o.warehouse); err != nil {
		return nil, err
	}
	app, err := inngestkit.FromClient(client, o.configure) // after all functions of the client
	if err != nil {
		return nil, err
	}
	return app, install(app, o.traces, nativeFunctions()...)
}

// newMovedApp returns the app without the SDK's client, when all functions have moved.
func newMovedApp(cfg inngestkit.Config, o options) (*inngestkit.App, error) {
	app, err := inngestkit.New(cfg)
	if err != nil {
		return nil, err
	}
	return app, install(app, o.traces, append(nativeFunctions(), movedFulfil(o.warehouse))...)
}

// install adds telemetry, middleware and functions. Middleware and telemetry are for the
// functions of both kinds.
func install(app *inngestkit.App, traces trace.TracerProvider, functions ...inngestkit.Function) error {
	if err := inngestotel.Install(app, inngestotel.WithTracerProvider(traces)); err != nil {
		return err
	}
	app.Use(audit)
	return app.Register(functions...)
}

// audit logs what ends.
var audit = inngestkit.Middleware{
	Function: func(next inngestkit.FunctionHandler) inngestkit.FunctionHandler {
		return func(ctx context.Context, call *inngestkit.FunctionCall) (any, error) {
			call.OnEnd(func(outcome inngestkit.Outcome, _ error) {
				if outcome == inngestkit.OutcomeCompleted {
					inngestkit.Logger(ctx).Info("audit: run completed")
				}
			})
			return next(ctx, call)
		}
	},
	Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, call *inngestkit.StepCall) (any, error) {
			inngestkit.Logger(ctx).Info("audit: step runs", "step", call.ID)
			return next(ctx, call)
		}
	},
}

// newRouter returns the routes of the program.
func newRouter(app *inngestkit.App) *fiber.App {
	router := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		StreamRequestBody:     true,             // otherwise any client can reserve memory
		ReadTimeout:           20 * time.Second, // otherwise half a request delays a shutdown
	})
	router.Use(inngestfiber.Middleware(app))
	inngestfiber.Mount(router, app) // /api/inngest, for all functions
	router.Post("/orders/:id", func(c *fiber.Ctx) error {
		ids, err := inngestfiber.Send(c, orderPlaced.New(Order{OrderID: c.Params("id"), Cents: 4900}))
		if err != nil {
			return err
		}
		return c.Status(fiber.StatusAccepted).JSON(fiber.Map{"eventId": ids[0]})
	})
	return router
}
