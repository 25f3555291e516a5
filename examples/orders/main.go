// Orders is a shop on Echo whose orders go through payment, inventory and fulfilment, and are
// taken back if a step fails for good or the customer cancels. Run it from the root of the
// repository, with nothing installed but Go:
//
//	go run ./examples/orders
//
// This file is the wiring, workflow.go has the functions. story.go and the packages in
// examples/internal, which a real application does not need, start an Inngest server and
// place orders.
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

// settle is how long cancel-order waits for steps that are running. The bank of this example
// takes a second at most.
const settle = 1500 * time.Millisecond

func main() { os.Exit(demo.Main(program)) }

// serve runs the application until ctx is done.
func serve(ctx context.Context, env demo.Env) (err error) {
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
	orders := NewOrders(store, newTestBank(), newTestWarehouse(), settle)
	if err := app.Register(orders.Functions()...); err != nil {
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
