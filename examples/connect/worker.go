package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// settings are the variables of a worker. The app reads its own, INNGEST_….
type settings struct {
	// Name tells the workers apart. The default is the name of the machine.
	Name string `env:"WORKER_NAME"`
	// ProbeAddress is where the worker responds to probes. Nobody else needs to reach it.
	ProbeAddress string `env:"PROBE_ADDRESS" envDefault:":8080"`
	// DrainTimeout is the time that calls in progress have to finish.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"45s"`
	// WorkTime is how long a video takes.
	WorkTime time.Duration `env:"WORK_TIME" envDefault:"1s"`
}

// A worker is an app without an endpoint, and its probes.
type worker struct {
	app    *inngestkit.App
	health *inngesthealth.Health
	probes *http.Server
	logger *slog.Logger
}

func newWorker(s settings, logger *slog.Logger) (*worker, error) {
	cfg, err := inngestkit.ConfigFromEnv()
	if err != nil {
		return nil, err
	}
	cfg.AppID = cmp.Or(cfg.AppID, "videos")
	cfg.ConnectInstanceID = s.Name
	cfg.Logger = logger
	app, err := inngestkit.New(cfg)
	if err != nil {
		return nil, err
	}
	health, err := inngesthealth.Install(app, inngesthealth.WithSyncRequired()) // not ready before it is connected
	if err != nil {
		return nil, err
	}
	if err := app.Register(transcode(s.WorkTime)); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /livez", health.LiveHandler())
	mux.Handle("GET /readyz", health.ReadyHandler())
	return &worker{app, health, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, logger}, nil
}

// run works until ctx is done, and then drains: calls in progress finish, and their results
// reach the server.
func (w *worker) run(ctx context.Context, s settings) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.ProbeAddress)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- w.probes.Serve(listener) }()
	// Connect reconnects by itself, for as long as it takes. Shutdown ends it.
	connected := make(chan error, 1)
	go func() { connected <- w.app.Connect(context.WithoutCancel(ctx)) }()

	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("probes: %w", err), w.app.Shutdown(ctx))
	case err := <-connected:
		return errors.Join(err, w.probes.Close())
	case <-ctx.Done():
	}
	w.logger.Info("draining", "timeout", s.DrainTimeout.String())
	w.health.Drain() // readyz fails; livez does not
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.DrainTimeout)
	defer cancel()
	err = errors.Join(w.app.Shutdown(ctx), ended(ctx, connected), w.probes.Shutdown(ctx))
	w.logger.Info("stopped", "complete", err == nil)
	return err
}

// ended returns the result of Connect, which ends with the drain.
func ended(ctx context.Context, connected <-chan error) error {
	select {
	case err := <-connected:
		return err
	case <-ctx.Done():
		return fmt.Errorf("disconnecting: %w", ctx.Err())
	}
}
