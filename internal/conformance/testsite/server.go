package testsite

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Server serves an app: an *http.Server, or its equivalent in a framework.
type Server interface {
	// Serve returns after Shutdown, with nil or http.ErrServerClosed.
	Serve(listener net.Listener) error
	// Shutdown waits for the requests that run.
	Shutdown(ctx context.Context) error
}

// Listen listens on addr, or on a free port if addr is empty.
func Listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	return listener
}

// Serve serves on listener until the end of the test. The function it returns shuts
// the server down earlier; it does so once.
func Serve(t *testing.T, server Server, listener net.Listener) (shutdown func()) {
	t.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stopped := false
	shutdown = func() {
		if stopped {
			return
		}
		stopped = true
		Stop(t, server.Shutdown)
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			require.NoError(t, err)
		}
	}
	t.Cleanup(shutdown)
	return shutdown
}

// ServeApp serves an app on listener until the end of the test. The function it returns
// stops both earlier, in the order that programs should: first the app, then the server.
func ServeApp(t *testing.T, app *inngestkit.App, server Server, listener net.Listener) (stop func()) {
	t.Helper()
	shutdown := Serve(t, server, listener)
	stop = sync.OnceFunc(func() {
		Stop(t, app.Shutdown)
		shutdown()
	})
	t.Cleanup(stop)
	return stop
}

// Stop calls shutdown with a timeout of [Timeout], during the test or after it.
func Stop(t *testing.T, shutdown func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), Timeout)
	defer cancel()
	require.NoError(t, shutdown(ctx))
}

// Logger logs to the output of the test.
func Logger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
