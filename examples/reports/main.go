// Reports is a program as it is deployed: it takes its configuration from the environment,
// listens on PORT, has health checks, and stops on SIGTERM without failing a call. The
// directory deploy has the files to run it in production.
//
//	reports         serves until SIGTERM
//	reports sync    announces the functions to the Inngest server, after a deployment
//	reports health  exits with 1 if the program that serves on this machine does not respond
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
)

// settings are the variables of this program. The app reads its own, INNGEST_….
type settings struct {
	Port string `env:"PORT" envDefault:"3000"`
	// DrainPause is the time from SIGTERM, when readyz begins to fail, until calls are
	// rejected. A load balancer that polls readyz needs it.
	DrainPause time.Duration `env:"DRAIN_PAUSE"`
	// DrainTimeout is the time that calls in progress have to finish.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"45s"`
	// WorkTime is how long rendering a report takes.
	WorkTime time.Duration `env:"WORK_TIME" envDefault:"1s"`
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.Error("reports has failed", "error", err)
		os.Exit(1)
	}
}

// run executes the command that the arguments name.
func run(ctx context.Context, args []string) error {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("", s.Port))
		if err != nil {
			return err
		}
		return serve(ctx, s, listener)
	case len(args) == 1 && args[0] == "sync":
		return sync(ctx, s)
	case len(args) == 1 && args[0] == "health":
		return askHealth(ctx, s)
	}
	return fmt.Errorf("unknown arguments %q; want none, sync or health", args)
}

// sync announces the functions of this version, and where the server calls them.
func sync(ctx context.Context, s settings) error {
	svc, err := newService(s)
	if err != nil {
		return err
	}
	return errors.Join(svc.app.Sync(ctx), svc.app.Shutdown(ctx))
}
