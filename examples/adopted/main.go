// Adopted is a Fiber application in the middle of a move: functions that were written for the
// bare SDK, and functions written for inngestkit, in one app. They call each other, and share
// middleware and telemetry. Run it from the root of the repository:
//
//	go run ./examples/adopted
//
// legacy.go has the old functions, native.go the new ones, moved.go an old one after its
// move, app.go the wiring. This file, which a real application does not need, starts an
// Inngest server, places an order, and prints what happens.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/inngest/inngestgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Stdout)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		os.Exit(130) // what shells report for a program ended by Ctrl-C
	default:
		fmt.Fprintln(os.Stderr, "failed:", err)
		os.Exit(1)
	}
}

// run places an order, and returns when its runs have ended and everything has stopped.
func run(ctx context.Context, out io.Writer) (err error) {
	server, err := devserver.Start(ctx, devserver.Config{Progress: out})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the router closes it, unless something fails before

	logger := newLogger(out)
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(logExporter{logger}))
	defer func() { err = errors.Join(err, traces.Shutdown(context.WithoutCancel(ctx))) }()
	url := "http://" + listener.Addr().String()
	app, err := newApp(options{
		client: clientOptions(server.URL(), logger), traces: traces, warehouse: &Warehouse{},
		configure: func(cfg *inngestkit.Config) { cfg.ServeHost = url },
	})
	if err != nil {
		return err
	}
	router := newRouter(app)
	served := make(chan error, 1)
	go func() { served <- router.Listener(listener) }()
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, app.Shutdown(ctx), router.ShutdownWithContext(ctx), <-served)
	}()
	if err := app.Start(ctx); err != nil {
		return err
	}
	return placeOrder(ctx, server, url)
}

// clientOptions returns options of the SDK's client. Other programs leave them to the
// environment, which FromClient reads as well.
func clientOptions(serverURL string, logger *slog.Logger) inngestgo.ClientOpts {
	return inngestgo.ClientOpts{
		AppID: appID, Dev: new(true), APIBaseURL: &serverURL, EventAPIBaseURL: &serverURL, Logger: logger,
	}
}

// placeOrder places an order and waits for the two runs that it leads to. They invoke the
// other two functions.
func placeOrder(ctx context.Context, server *devserver.Server, url string) error {
	err := server.AwaitFunctions(ctx, "shop-fulfil-order", "shop-format-receipt", "shop-charge-card", "shop-notify-customer")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/orders/order-1", nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // nothing more is read
	var sent struct {
		EventID string `json:"eventId"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&sent); err != nil {
		return fmt.Errorf("POST /orders: %s: %w", resp.Status, err)
	}
	fulfilled, err := server.AwaitRuns(ctx, sent.EventID, 1)
	if err != nil {
		return err
	}
	notified, err := server.AwaitRunsOf(ctx, "shop-notify-customer", 1)
	if err != nil {
		return err
	}
	for _, run := range append(fulfilled, notified...) {
		if run.Status != devserver.RunCompleted {
			return fmt.Errorf("the run of %s is %s: %s", run.Function, run.Status, run.Output)
		}
	}
	return nil
}

// newLogger returns a logger for people: without the time and the ID of the run.
func newLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, slog.LevelKey, "run_id", "attempt":
				return slog.Attr{}
			}
			return a
		},
	}))
}

// logExporter logs spans. Other programs export them with OTLP.
type logExporter struct{ logger *slog.Logger }

var _ sdktrace.SpanExporter = logExporter{}

// ExportSpans implements [sdktrace.SpanExporter].
func (e logExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, span := range spans {
		e.logger.Info("span", "name", span.Name(), "trace", span.SpanContext().TraceID().String()[:8])
	}
	return nil
}

// Shutdown implements [sdktrace.SpanExporter].
func (e logExporter) Shutdown(context.Context) error { return nil }
