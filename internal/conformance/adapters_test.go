package conformance

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	_ "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// adapter is one way to serve an app.
type adapter struct {
	name  string
	path  string // where the app is then
	mount func(app *inngestkit.App) http.Handler
}

// adapters is every way to serve an app that is tested here.
var adapters = []adapter{
	{"nethttp", "/api/inngest", func(app *inngestkit.App) http.Handler {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		return mux
	}},
	{"gin", "/api/inngest", func(app *inngestkit.App) http.Handler {
		r := gin.New()
		inngestgin.Mount(r, app)
		return r
	}},
	{"gin group", "/v1/internal/api/inngest", func(app *inngestkit.App) http.Handler {
		r := gin.New()
		inngestgin.Mount(r.Group("/v1").Group("/internal"), app)
		return r
	}},
	{"echo group", "/v1/internal/api/inngest", func(app *inngestkit.App) http.Handler {
		e := echo.New()
		inngestecho.Mount(e.Group("/v1").Group("/internal"), app)
		return e
	}},
}

const testTimeout = 30 * time.Second

// newServer starts an Inngest server that tries again quickly.
func newServer(t *testing.T) *inngesttest.Server {
	t.Helper()
	return inngesttest.NewServer(t, inngesttest.ServerConfig{RetryInterval: time.Second})
}

// instance is one running instance of an app, as a process would be.
type instance struct {
	app  *inngestkit.App
	addr string
	stop func()
}

// serve runs an app in dev mode on addr, syncs it with the server and stops it
// at the end of the test. An empty addr is a free port.
func serve(t *testing.T, server *inngesttest.Server, with adapter, appID, addr string, functions ...inngestkit.Function) *instance {
	t.Helper()
	config := inngestkit.Config{AppID: appID, Dev: true, BaseURL: server.URL()}
	return serveConfig(t, with, config, listen(t, addr), functions...)
}

func serveConfig(
	t *testing.T, with adapter, config inngestkit.Config, listener net.Listener, functions ...inngestkit.Function,
) *instance {
	t.Helper()
	config.ServeHost = listener.Addr().String()
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	i := serveApp(t, with, app, listener)
	if config.Dev {
		require.NoError(t, app.Start(t.Context()))
		require.NoError(t, app.AwaitSync(within(t)))
	}
	return i
}

// serveApp serves an app and shuts it down at the end of the test.
func serveApp(t *testing.T, with adapter, app *inngestkit.App, listener net.Listener) *instance {
	t.Helper()
	srv := &http.Server{Handler: with.mount(app), ReadHeaderTimeout: testTimeout}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	stopped := false
	i := &instance{app: app, addr: listener.Addr().String(), stop: func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testTimeout)
		defer cancel()
		require.NoError(t, app.Shutdown(ctx))
		require.NoError(t, srv.Shutdown(ctx))
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	}}
	t.Cleanup(i.stop)
	return i
}

// listen listens on addr, "" for a free port.
func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	return listener
}

// within is a context for one wait.
func within(t *testing.T) context.Context {
	t.Helper()
	return withinTime(t, testTimeout)
}

func withinTime(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// eachAdapter runs test once for each adapter.
func eachAdapter(t *testing.T, test func(t *testing.T, with adapter)) {
	t.Helper()
	for _, with := range adapters {
		t.Run(with.name, func(t *testing.T) {
			t.Parallel()
			test(t, with)
		})
	}
}

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}
