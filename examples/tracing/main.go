// Tracing is two services, one on Gin and one on Fiber, whose functions, steps and
// events are one trace. Run it from the root of the repository:
//
//	go run ./examples/tracing
//
// This file is the wiring; telemetry.go sets OpenTelemetry up, orders.go and
// shipping.go are the services, and events.go has the events between them. Package
// internal/demo, which a real application has no use for, starts an Inngest server,
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

// stopTimeout is how long a service may take to stop, and to hand over its last spans.
const stopTimeout = 10 * time.Second

func main() {
	os.Exit(demo.Main(service("orders", newOrders), service("shipping", newShipping)))
}

// server is an *http.Server, or what a framework has in its place.
type server interface {
	Serve(listener net.Listener) error
	Shutdown(ctx context.Context) error
}

// service is a service that runs until its context is done. build adds its functions
// to the app, and returns its HTTP server.
func service(name string, build func(app *inngestkit.App, t *telemetry) (server, error)) demo.Service {
	return func(ctx context.Context, env demo.Env) (err error) {
		telemetry, err := newTelemetry(ctx, name, env.Spans...)
		if err != nil {
			return err
		}
		// Deferred first, so this comes last, when there will be no more spans.
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

// newApp is an app with telemetry.
func newApp(name string, t *telemetry, env demo.Env) (*inngestkit.App, error) {
	// Where the Inngest server is differs from run to run here. Other programs
	// call inngestkit.ConfigFromEnv.
	app, err := inngestkit.New(inngestkit.Config{
		AppID:     name,
		Dev:       true,
		BaseURL:   env.ServerURL,
		ServeHost: env.Listener.Addr().String(),
		// Lines that are logged with a context get its trace_id and span_id.
		Logger: slog.New(inngestotel.LogHandler(slog.NewTextHandler(env.Log, nil))).With("service", name),
	})
	if err != nil {
		return nil, err
	}
	return app, inngestotel.Install(app,
		inngestotel.WithTracerProvider(t.traces), inngestotel.WithMeterProvider(t.metrics))
}

// serve serves the app until ctx is done, and then shuts it down in order.
func serve(ctx context.Context, app *inngestkit.App, server server, listener net.Listener) error {
	// The Inngest server is told of the functions, again and again until it answers.
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
	// First the app: calls that are running end, new ones are put off. Then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(app.Shutdown(ctx), server.Shutdown(ctx))
}
