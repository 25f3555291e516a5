package conformance

import (
	"net"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	fiberv3 "github.com/gofiber/fiber/v3"
	echov5 "github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// An adapter serves an app on the server that users of its framework have.
type adapter struct {
	name  string
	path  string // of the endpoint
	serve func(app *inngestkit.App) testsite.Server
	// hangUps reports whether the context of a call ends when its client hangs up. Lambda
	// does not tell.
	hangUps bool
	// largestFailed is the size of the largest event whose failure handler is called: that
	// call has the event and the error twice. 0 stands for that of the largest event.
	largestFailed int
}

// adapters lists all ways to serve an app that are tested here.
var adapters = []adapter{
	{name: "nethttp", path: "/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		return testsite.HTTP(mux)
	}},
	{name: "gin group", path: "/v1/internal/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
		r := gin.New()
		inngestgin.Mount(r.Group("/v1").Group("/internal"), app)
		return testsite.HTTP(r)
	}},
	{name: "echo group", path: "/v1/internal/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
		e := testsite.NewEcho()
		inngestecho.Mount(e.Group("/v1").Group("/internal"), app)
		return testsite.Echo{Echo: e}
	}},
	{name: "echov5 group", path: "/v1/internal/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
		e := echov5.New()
		inngestechov5.Mount(e.Group("/v1").Group("/internal"), app)
		return testsite.EchoV5(e)
	}},
	onFiber,
	onFiberV3,
	{name: "lambda", path: "/api/inngest", serve: testsite.Lambda, largestFailed: 2 << 20}, // Lambda's payloads have 6 MiB
}

// onFiber mounts the app on a group of a sub-app, before the sub-app is mounted.
var onFiber = adapter{name: "fiber sub-app", path: "/v1/internal/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
	sub := fiber.New()
	inngestfiber.Mount(sub.Group("/internal"), app)
	root := testsite.NewFiber()
	root.Mount("/v1", sub)
	return testsite.Fiber{App: root}
}}

// onFiberV3 is onFiber for Fiber v3.
var onFiberV3 = adapter{name: "fiberv3 sub-app", path: "/v1/internal/api/inngest", hangUps: true, serve: func(app *inngestkit.App) testsite.Server {
	sub := fiberv3.New()
	inngestfiberv3.Mount(sub.Group("/internal"), app)
	root := testsite.NewFiberV3()
	root.Use("/v1", sub)
	return testsite.FiberV3{App: root}
}}

// An instance is one running instance of an app, like a process.
type instance struct {
	with adapter
	app  *inngestkit.App
	addr string
	stop func()
}

// serve runs an app in dev mode on addr, syncs it with the server and stops it at the
// end of the test. An empty addr means a free port.
func serve(t *testing.T, server *devserver.Server, with adapter, appID, addr string, functions ...inngestkit.Function) *instance {
	t.Helper()
	config := inngestkit.Config{AppID: appID, Dev: true, BaseURL: server.URL()}
	return serveConfig(t, with, config, testsite.Listen(t, addr), functions...)
}

func serveConfig(
	t *testing.T, with adapter, config inngestkit.Config, listener net.Listener, functions ...inngestkit.Function,
) *instance {
	t.Helper()
	config.ServeHost = listener.Addr().String()
	config.Logger = testsite.Logger(t)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	i := serveApp(t, with, app, listener)
	if config.Dev {
		require.NoError(t, app.Start(t.Context()))
		require.NoError(t, app.AwaitSync(testsite.Within(t)))
	}
	return i
}

// serveApp serves an app and shuts it down at the end of the test.
func serveApp(t *testing.T, with adapter, app *inngestkit.App, listener net.Listener) *instance {
	t.Helper()
	stop := testsite.ServeApp(t, app, with.serve(app), listener)
	return &instance{with: with, app: app, addr: listener.Addr().String(), stop: stop}
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
	testsite.VerifyTestMain(m)
}
