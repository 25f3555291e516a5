// Package demo runs the services of the tracing example: it starts an Inngest server,
// places an order over HTTP, and prints and checks the resulting trace. Your application
// does not need it.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// Service is one of the two services. It serves until ctx is done.
type Service func(ctx context.Context, env Env) error

// Env is what the demonstration provides to a service.
type Env struct {
	// ServerURL is the URL of the Inngest server.
	ServerURL string
	// Listener has a free port of 127.0.0.1 for the service.
	Listener net.Listener
	// Log receives the service's log, in whole lines.
	Log io.Writer
	// Spans must receive all spans of the service.
	Spans []sdktrace.SpanProcessor
}

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells report for a program ended by Ctrl-C
)

const usage = `Runs two services and an Inngest server, places an order, and prints its trace.

    go run ./examples/tracing [-keep]

Needs nothing but Go. The server is the executable in INNGEST_CLI_PATH, else the
version in INNGEST_CLI_VERSION, else inngest or inngest-cli on PATH; else ` + devserver.DefaultVersion + `
is built, which takes some minutes, once.
Spans also go to where OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT, … want them.

`

// Main runs the demonstration with the program's arguments and returns the exit
// status.
func Main(orders, shipping Service) int {
	// SIGHUP means that the terminal is gone. By default it would end the program before it
	// has cleaned up.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// So would SIGPIPE, if the reader of the output is gone. It also comes from clients that
	// hang up, which means nothing, so stdout sees to the output.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return Run(ctx, os.Args[1:], stdout{cancel}, orders, shipping)
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

// Run runs the demonstration and returns the exit status. When ctx ends, Run stops
// everything it has started.
func Run(ctx context.Context, args []string, stdout io.Writer, orders, shipping Service) int {
	out := &output{to: stdout}
	flags := flag.NewFlagSet("tracing", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		out.printf("%s", usage)
		flags.PrintDefaults()
	}
	keep := flags.Bool("keep", false, "leave everything running afterwards, until Ctrl-C")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		out.printf("unexpected argument %q; see -h\n", flags.Arg(0))
		return exitUsage
	}

	s := newSession(*keep, out)
	err := s.run(ctx, orders, shipping)
	switch {
	case ctx.Err() != nil:
		out.printf("interrupted; everything is stopped\n")
		return exitInterrupted
	case err != nil:
		out.printf("failed: %v\n%s", err, s.logs())
		return exitFailed
	}
	return exitOK
}

// output prints the demonstration. A failure to print cannot be reported.
type output struct{ to io.Writer }

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) { return o.to.Write(p) }

func (o *output) printf(format string, args ...any) { _, _ = fmt.Fprintf(o.to, format, args...) }
