// Agent is an AI agent as a durable function: a model, tools, and a human who approves what
// is dangerous. Run it from the root of the repository:
//
//	go run ./examples/agent
//
// agent.go has the loop, tool.go typed tools, model.go the requests to the model, shop.go
// the tools of this agent, desk.go the approvals and the other routes. This file is the
// wiring. story.go, which a real application does not need, starts an Inngest server, asks
// a question, approves a refund, and checks the run.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Stdout, modelFromEnv())
	switch {
	case ctx.Err() != nil:
		os.Exit(130) // what shells report for a program ended by Ctrl-C
	case err != nil:
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// modelFromEnv returns the model that the environment names. Without a key and a URL it is
// the zero value, for the fake model.
func modelFromEnv() Model {
	key, url := os.Getenv("OPENAI_API_KEY"), os.Getenv("OPENAI_BASE_URL")
	if key == "" && url == "" {
		return Model{}
	}
	return Model{
		BaseURL: strings.TrimSuffix(cmp.Or(url, "https://api.openai.com/v1"), "/"),
		Key:     inngestkit.Secret(key),
		Name:    cmp.Or(os.Getenv("OPENAI_MODEL"), "gpt-4o-mini"),
	}
}

// newLogger returns a logger for people: without the time and the ID of the run.
func newLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "run_id", "function":
				return slog.Attr{}
			}
			return a
		},
	}))
}

// newApp returns the app with the agent, and its routes.
func newApp(cfg inngestkit.Config, model Model, shop *Shop) (*inngestkit.App, http.Handler, error) {
	app, err := inngestkit.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	desk := &memoryDesk{}
	agent := &Agent{model: model, tools: shop.Tools, desk: desk}
	if err := app.Register(agent.Function()); err != nil {
		return nil, nil, err
	}
	return app, newRoutes(app, desk), nil
}

// serve serves the app until ctx is done, and then shuts it down.
func serve(ctx context.Context, app *inngestkit.App, routes http.Handler, listener net.Listener) error {
	srv := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	if err := app.Start(ctx); err != nil { // announces the agent to the Inngest server
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
