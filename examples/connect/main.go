// Connect is a worker without an endpoint: it opens a connection to the Inngest server, over
// which the server makes its calls. Run it from the root of the repository:
//
//	go run ./examples/connect           shows three workers, a drain, and a server that restarts
//	go run ./examples/connect worker    is one worker, configured by the environment
//
// worker.go is the worker, video.go its function. story.go, which a real application does not
// need, is the demonstration.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/caarlos0/env/v11"
)

func main() { os.Exit(command(os.Args[1:])) }

// command executes the command that the arguments name, and returns the exit status.
func command(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	var err error
	switch {
	case len(args) == 0:
		if err = run(ctx, os.Stdout); ctx.Err() != nil {
			return 130 // what shells report for a program ended by Ctrl-C
		}
	case len(args) == 1 && args[0] == "worker":
		err = runWorker(ctx, os.Stdout)
	default:
		err = fmt.Errorf("unknown arguments %q; want none, or worker", args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed:", err)
		return 1
	}
	return 0
}

// runWorker is the program as it is deployed.
func runWorker(ctx context.Context, out io.Writer) error {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return err
	}
	if s.Name == "" {
		if s.Name, err = os.Hostname(); err != nil {
			return err
		}
	}
	w, err := newWorker(s, newLogger(out).With("worker", s.Name))
	if err != nil {
		return err
	}
	return w.run(ctx, s)
}

// newLogger returns a logger for people: without the date and the ID of the run.
func newLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.String(a.Key, a.Value.Time().Format("05.000"))
			case "run_id", "function", "attempt":
				return slog.Attr{}
			}
			return a
		},
	}))
}
