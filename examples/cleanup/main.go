// Cleanup is an application on net/http, with the router chi, that deletes what has expired,
// every night and on request, in batches. Run it from the root of the repository, with nothing
// installed but Go:
//
//	go run ./examples/cleanup
//
// This file is the wiring, workflow.go has the functions. story.go, seed.go and the packages in
// examples/internal, which a real application does not need, start an Inngest server and make
// something to clean.
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

// batchSize is how many rows a step deletes. It is small, so that the program shows several
// steps; real ones delete some thousand.
const batchSize = 100

func main() { os.Exit(demo.Main(program)) }

// serve runs the application until ctx is done.
func serve(ctx context.Context, env demo.Env) (err error) {
	db, err := database.Open(ctx, env.Database, schema)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store := &Store{db: db, batchSize: batchSize}

	files, remove, err := temporaryFiles()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := seed(ctx, store, files, time.Now()); err != nil {
		return fmt.Errorf("make something to clean: %w", err)
	}

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
	cleanup := NewCleanup(store, files, time.Now, "admin@example.com", "devops@example.com")
	if err := app.Register(cleanup.Functions()...); err != nil {
		return err
	}
	return listen(ctx, app, newRouter(app, store), env.Listener)
}

// temporaryFiles returns a new directory, and a function that removes it. Nothing outside of
// the directory can be deleted through it.
func temporaryFiles() (_ *os.Root, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "cleanup-files-")
	if err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return root, func() error { return errors.Join(root.Close(), os.RemoveAll(dir)) }, nil
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
