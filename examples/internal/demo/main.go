// Package demo runs the examples: it starts an Inngest server and an application, uses the
// application like a visitor, and prints who does what. Your application does not need it.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/examples/internal/database"
)

// A Program is an application and what happens in it.
type Program struct {
	// Name is the name of the example.
	Name string
	// About says in one line what the program shows.
	About string
	// Services are the parts of the application, by their app IDs. Each serves until its
	// context is done.
	Services map[string]Service
	// Story uses the application.
	Story func(ctx context.Context, v *Visitor) error
}

// A Service is one app. It serves until ctx is done, and then shuts down.
type Service func(ctx context.Context, env Env) error

// Env is what a service gets from its environment.
type Env struct {
	// ServerURL is the URL of the Inngest server.
	ServerURL string
	// Listener has a free port of 127.0.0.1.
	Listener net.Listener
	// Database is what database.Open opens.
	Database string
	// Logger keeps the log, which is shown if something fails.
	Logger *slog.Logger
	// Transcript is middleware that prints what the functions do.
	Transcript inngestkit.Middleware
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells report for a program ended by Ctrl-C
)

const usage = `%s

    go run ./examples/%s [-keep]

Needs nothing but Go. The Inngest server is found or, once, built: see docs/servers.md.
The database is SQLite in temporary files, or PostgreSQL at the URL in DATABASE_URL.
Ctrl-C stops everything at any time.

`

// Main runs a program with the arguments of the process and returns the exit status.
func Main(p Program) int {
	// SIGHUP means that the terminal is gone. By default it would end the program before it
	// has cleaned up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// So would SIGPIPE, if the reader of the output is gone. It also comes from clients that
	// hang up, which means nothing, so stdout sees to the output.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return Run(ctx, p, os.Getenv(database.URLEnv), stdout{cancel}, os.Args[1:]...)
}

// A stdout is the standard output. It ends the program when nobody reads it any more.
type stdout struct{ end func() }

// Write implements [io.Writer].
func (s stdout) Write(p []byte) (int, error) {
	n, err := os.Stdout.Write(p)
	if err != nil {
		s.end()
	}
	return n, err
}

// Run runs a program with a database, or with a temporary file for each service if databaseURL
// is empty, and returns the exit status. When ctx ends, it stops everything it has started.
func Run(ctx context.Context, p Program, databaseURL string, stdout io.Writer, args ...string) int {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(stdout, usage, p.About, p.Name)
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

	s := newSession(p, *keep, stdout)
	err := s.run(ctx, databaseURL)
	switch {
	case ctx.Err() != nil:
		s.out.notef("interrupted; everything is stopped")
		return exitInterrupted
	case err != nil:
		s.out.notef("failed: %v\n%s", err, s.logs())
		return exitFailed
	}
	return exitOK
}
