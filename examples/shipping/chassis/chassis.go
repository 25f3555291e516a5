// Package chassis has what the services do alike: they serve an app on Fiber, and stop.
package chassis

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v3"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

// A Service has functions and routes.
type Service interface {
	Functions() []inngestkit.Function
	Routes(router fiber.Router)
}

// Serve serves a service as the app with an ID, until ctx is done.
func Serve(ctx context.Context, env demo.Env, appID string, service Service) error {
	// The address of the Inngest server differs in each run of this example. Other
	// programs call inngestkit.ConfigFromEnv.
	app, err := inngestkit.New(inngestkit.Config{
		AppID:     appID,
		Dev:       true,
		BaseURL:   env.ServerURL,
		ServeHost: env.Listener.Addr().String(),
		Logger:    env.Logger,
	})
	if err != nil {
		return err
	}
	app.Use(env.Transcript) // prints what the functions do; your application does not need it
	if err := app.Register(service.Functions()...); err != nil {
		return err
	}
	return listen(ctx, app, NewRouter(app, service), env)
}

// NewRouter returns a Fiber app like any other, with two lines for Inngest.
func NewRouter(app *inngestkit.App, service Service) *fiber.App {
	router := fiber.New(fiber.Config{
		StreamRequestBody: true,             // otherwise any client can reserve memory
		ReadTimeout:       20 * time.Second, // otherwise half a request delays a shutdown
		ErrorHandler:      respondError(app),
	})
	router.Use(inngestfiberv3.Middleware(app)) // for inngestfiberv3.Send in handlers
	inngestfiberv3.Mount(router, app)          // /api/inngest, where the server calls the functions
	service.Routes(router)
	return router
}

// respondError shows clients the errors that are for them, and logs the others.
func respondError(app *inngestkit.App) fiber.ErrorHandler {
	return func(c fiber.Ctx, err error) error {
		if _, ok := errors.AsType[*fiber.Error](err); ok {
			return fiber.DefaultErrorHandler(c, err)
		}
		app.Logger().ErrorContext(c.Context(), "request failed", "path", c.Path(), "error", err)
		return c.SendStatus(http.StatusInternalServerError)
	}
}

// listen serves the app until ctx is done, and then shuts it down.
func listen(ctx context.Context, app *inngestkit.App, router *fiber.App, env demo.Env) error {
	failed := make(chan error, 1)
	go func() { failed <- router.Listener(env.Listener, fiber.ListenConfig{DisableStartupMessage: true}) }()

	// Start announces the functions to the server, and retries until it responds.
	if err := app.Start(ctx); err != nil {
		return errors.Join(err, router.Shutdown())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	// First the app, which lets running calls finish and rejects new ones, then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(app.Shutdown(ctx), router.ShutdownWithContext(ctx))
}

// Do runs a step without a result.
func Do(ctx context.Context, id string, f func(ctx context.Context) error) error {
	_, err := step.Run(ctx, id, func(ctx context.Context) (any, error) { return nil, f(ctx) })
	return err
}

// Send sends an event, and writes the response.
func Send(c fiber.Ctx, event inngestkit.AnyEvent) error {
	ids, err := inngestfiberv3.Send(c, event)
	if err != nil {
		return err
	}
	return c.Status(http.StatusAccepted).JSON(fiber.Map{"eventId": ids[0]})
}
