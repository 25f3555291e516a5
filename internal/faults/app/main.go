package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Listening precedes the address of a process in its output. Frameworks print other lines.
const Listening = "the app listens on "

// Draining is what a process logs when it refuses new calls.
const Draining = "the app drains"

// Stopped is what a process logs when App.Shutdown has returned.
const Stopped = "the app has stopped"

// stopTime is how long a stop may take.
const stopTime = 30 * time.Second

// Main runs an app process and ends it, if the environment asks for one. Call it first in
// TestMain.
func Main() {
	cfg, ok, err := fromEnv()
	if !ok {
		return
	}
	if err == nil {
		err = run(cfg)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run serves the app until SIGTERM, and then stops it as docs/adapters.md says.
func run(cfg Config) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	app, err := newApp(cfg)
	if err != nil {
		return err
	}
	go func() {
		<-app.Draining()
		_, _ = fmt.Fprintln(os.Stderr, Draining)
	}()
	if cfg.Connect {
		return connect(ctx, app)
	}
	return serve(ctx, cfg, app)
}

// serve serves the app over HTTP until ctx ends.
func serve(ctx context.Context, cfg Config, app *inngestkit.App) error {
	server := testsite.Frameworks[cfg.Framework](app)
	if fiber, ok := server.(interface{ Server() *fasthttp.Server }); ok {
		fiber.Server().Concurrency = cfg.Concurrency
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	gauges, err := serveGauges(ctx)
	if err != nil {
		return err
	}
	fmt.Println(Gauges + gauges)                      // the laboratory reads it
	fmt.Println(Listening + listener.Addr().String()) // the laboratory reads it
	if err := app.Start(ctx); err != nil {
		return err
	}
	if cfg.SigningKey != "" { // in cloud mode Start does nothing
		if err := app.Sync(ctx); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err) // the server may be down at the moment
		}
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err = app.Shutdown(within)
	_, _ = fmt.Fprintln(os.Stderr, Stopped)
	err = errors.Join(err, server.Shutdown(within))
	if servedErr := <-served; !errors.Is(servedErr, http.ErrServerClosed) {
		err = errors.Join(err, servedErr)
	}
	return err
}

func newApp(cfg Config) (*inngestkit.App, error) {
	log := os.Stderr
	if cfg.Log != "" {
		file, err := os.OpenFile(cfg.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		log = file
	}
	app, err := inngestkit.New(inngestkit.Config{
		AppID: cfg.ID, Dev: cfg.SigningKey == "", SigningKey: inngestkit.Secret(cfg.SigningKey),
		EventKey: inngestkit.Secret(cfg.EventKey), BaseURL: cfg.Server, APIBaseURL: cfg.API, ServeHost: cfg.ServeHost,
		MaxInFlight: cfg.MaxInFlight, ConnectInstanceID: cfg.Name, HTTPClient: ClientOf(cfg.Resolver),
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		return nil, err
	}
	s, err := openStore(cfg.Database)
	if err != nil {
		return nil, err
	}
	return app, app.Register(functions(cfg, newLedger(cfg), s)...)
}

// connect serves the app through Connect until ctx ends.
func connect(ctx context.Context, app *inngestkit.App) error {
	fmt.Println(Listening) // the laboratory reads it
	connected := make(chan error, 1)
	go func() { connected <- app.Connect(ctx) }()
	<-ctx.Done()
	within, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := app.Shutdown(within)
	return errors.Join(err, <-connected)
}
