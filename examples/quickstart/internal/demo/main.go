// Package demo runs the quickstart application: it starts an Inngest server, signs up a
// user over HTTP, prints what the server and the app do, and checks the result. Your
// application does not need it.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// App is the application to demonstrate. It serves until ctx is done.
type App func(ctx context.Context, env Env) error

// Env is what the demonstration provides to the application.
type Env struct {
	// ServerURL is the URL of the Inngest server.
	ServerURL string
	// Listener has a free port of 127.0.0.1 for the application.
	Listener net.Listener
	// Logger keeps the application's log, which is shown if it fails.
	Logger *slog.Logger
	// Watch wraps the application's handler to print requests and responses.
	Watch func(http.Handler) http.Handler
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells report for a program ended by Ctrl-C
)

const usage = `Runs a Gin app and an Inngest server, signs up a user, and shows what happens.

    go run ./examples/quickstart [-keep]

Needs nothing but Go. The server is the executable in INNGEST_CLI_PATH, else the
version in INNGEST_CLI_VERSION, else inngest or inngest-cli on PATH; else ` + devserver.DefaultVersion + `
is built, which takes some minutes, once.
Both listen on free ports of 127.0.0.1. Ctrl-C stops everything at any time.

`

// Main runs the demonstration with the program's arguments and returns the exit
// status.
func Main(app App) int {
	// SIGHUP means that the terminal is gone. By default it would end the program before it
	// has cleaned up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// So would SIGPIPE, if the reader of the output is gone. It also comes from clients that
	// hang up, which means nothing, so stdout sees to the output.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return Run(ctx, os.Args[1:], &stdout{os.Stdout, cancel}, app)
}

// A stdout is the standard output. It ends the program when nobody reads it any more.
type stdout struct {
	to  io.Writer
	end func()
}

// Write implements [io.Writer].
func (s *stdout) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	if err != nil {
		s.end()
	}
	return n, err
}

// Run runs the demonstration and returns the exit status. When ctx ends, Run stops
// everything it has started.
func Run(ctx context.Context, args []string, stdout io.Writer, app App) int {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		_, _ = fmt.Fprint(stdout, usage)
		flags.PrintDefaults()
	}
	keep := flags.Bool("keep", false, "leave everything running afterwards, until Ctrl-C")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stdout, "unexpected argument %q; see -h\n", flags.Arg(0))
		return exitUsage
	}

	out := newPrinter(stdout)
	s := &session{app: app, keep: *keep, out: out}
	err := guard(func() error { return s.run(ctx) })
	switch {
	case ctx.Err() != nil:
		// An error that this caused is irrelevant. What could not be stopped has been
		// printed.
		out.note("interrupted; everything is stopped")
		return exitInterrupted
	case err != nil:
		out.failure(err, s.logs())
		return exitFailed
	case s.unclean:
		return exitFailed
	}
	return exitOK
}
