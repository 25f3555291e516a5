// Inngest-dev runs the Inngest dev server, for an app on the same machine. It needs nothing
// but Go. In the module of the app:
//
//	go get -tool github.com/inngestkit/inngestkit/inngesttest/cmd/inngest-dev
//	go tool inngest-dev
//
// An app in dev mode finds the server on its usual port, 8288, and announces its functions.
// Ctrl-C stops the server. Its state is deleted then, unless -state names a directory.
//
// The first start builds the server, which takes some minutes, unless the environment or PATH
// has one; see https://github.com/inngestkit/inngestkit/blob/main/docs/servers.md. A server
// that is built this way has no web interface.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// usualPort is the port where apps expect a dev server.
const usualPort = 8288

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs the server until ctx is done or the server ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("inngest-dev", flag.ContinueOnError)
	flags.SetOutput(out)
	port := flags.Int("port", usualPort, "port of the server's API, on 127.0.0.1")
	state := flags.String("state", "", "directory that keeps apps, functions and the history of runs")
	verbose := flags.Bool("v", false, "show the server's log")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected arguments: %q", flags.Args())
	}
	config := devserver.Config{Port: *port, StateDir: *state, Progress: out}
	if *verbose {
		config.Log = out
	}
	server, err := devserver.Start(ctx, config)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s\nReady at %s. Ctrl-C stops it.\n", server.Binary(), server.URL())
	if *port != usualPort {
		_, _ = fmt.Fprintf(out, "Start apps with INNGEST_DEV=%s.\n", server.URL())
	}
	select {
	case <-ctx.Done():
		return server.Stop()
	case <-server.Done():
		return fmt.Errorf("the Inngest server has ended; the end of its log:\n%s", server.Logs())
	}
}
