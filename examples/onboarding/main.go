// Onboarding is an application on Gin that leads new users through the first month: a welcome
// mail, a day to verify the address, a reminder, tips, a request for feedback. Run it from the
// root of the repository, with nothing installed but Go:
//
//	go run ./examples/onboarding
//
// This file is the wiring, workflow.go and followup.go have the functions. story.go and the
// packages in examples/internal, which a real application does not need, start an Inngest
// server and sign users up. There, a month takes seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/internal/database"
	"github.com/inngestkit/inngestkit/examples/internal/demo"
)

func main() { os.Exit(demo.Main(program)) }

// serve returns a service that runs the application until its context is done.
func serve(pace Pace) demo.Service {
	return func(ctx context.Context, env demo.Env) error { return run(ctx, env, pace) }
}

func run(ctx context.Context, env demo.Env, pace Pace) (err error) {
	db, err := database.Open(ctx, env.Database, schema)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store := &Store{db: db}

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
	if err := app.Register(NewOnboarding(store, pace).Functions()...); err != nil {
		return err
	}
	return listen(ctx, app, newRouter(app, store), env.Listener)
}

// listen serves the app until ctx is done, and then shuts it down.
func listen(ctx context.Context, app *inngestkit.App, handler http.Handler, listener net.Listener) error {
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()

	// Start announces the functions to the server, and retries until it responds.
	if err := app.Start(ctx); err != nil {
		return errors.Join(err, srv.Close())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("HTTP server: %w", err)
	case <-ctx.Done():
	}
	// First the app, which lets running calls finish and rejects new ones, then HTTP.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(app.Shutdown(ctx), srv.Shutdown(ctx))
}
