// Tracing runs two services, one on Gin and one on Fiber, whose functions, steps and
// events form one trace. Run it from the root of the repository:
//
//	go run ./examples/tracing
//
// This file is the wiring; telemetry.go sets OpenTelemetry up, orders.go and
// shipping.go are the services, and events.go has the events between them. Package
// internal/demo, which a real application does not need, starts an Inngest server,
// places an order, and prints and checks the trace.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/tracing/internal/demo"
)

// stopTimeout limits how long a service takes to stop, and to export its last spans.
const stopTimeout = 10 * time.Second

func main() {
	os.Exit(demo.Main(service("orders", newOrders), service("shipping", newShipping)))
}

// A server is an *http.Server, or its equivalent in a framework.
type server interface {
	Serve(listener net.Listener) error
	Shutdown(ctx context.Context) error
}

// service returns a service that runs until its context is done. build adds the
// functions to the app, and returns the HTTP server.
func service(name string, build func(app *inngestkit.App, t *telemetry) (server, error)) demo.Service {
	return func(ctx context.Context, env demo.Env) (err error) {
		telemetry, err := newTelemetry(ctx, name, env.Spans...)
		if err != nil {
			return err
		}
		// Deferred first, so it runs last, when all spans have ended.
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err = errors.Join(err, telemetry.shutdown(ctx))
		}()
		app, err := newApp(name, telemetry, env)
		if err != nil {
			return err
		}
		server, err := build(app, telemetry)
		if err != nil {
			return err
		}
		return serve(ctx, app, server, env.Listener)
	}
}

// newApp returns an app with telemetry.
func newApp(name string, t *telemetry, env demo.Env) (*inngestkit.App, error) {
	// The address of the Inngest server differs in each run of this example. Other
	// programs call inngestkit.ConfigFromEnv.
	app, err := inngestkit.New(inngestkit.Config{
		AppID:     name,
		Dev:       true,
		BaseURL:   env.ServerURL,
		ServeHost: env.Listener.Addr().String(),
		// LogHandler adds the trace_id and span_id of the context to lines.
		Logger: slog.New(inngestotel.LogHandler(slog.NewTextHandler(env.Log, nil))).With("service", name),
	})
	if err != nil {
		return nil, err
	}
	return app, inngestotel.Install(app,
		inngestotel.WithTracerProvider(t.traces), inngestotel.WithMeterProvider(t.metrics))
}

// serve serves the app until ctx is done, and then shuts it down.
func serve(ctx context.Context, app *inngestkit.App, server server, listener net.Listener) error {
	// Start announces the functions to the Inngest server, and retries until it
	// responds.
	if err := app.Start(ctx); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()

	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	// First the app, which lets running calls finish and rejects new ones, then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(app.Shutdown(ctx), server.Shutdown(ctx))
}
