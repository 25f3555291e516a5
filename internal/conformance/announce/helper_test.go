package announce

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m,
		// Of fasthttp, one for the whole process: it keeps the time for the header Date.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// One for each fasthttp server: it looks only every ten seconds whether it is to end.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// frameworks mounts an app as a newcomer does, and gives the framework's own server.
var frameworks = map[string]func(app *inngestkit.App) testsite.Server{
	"nethttp": func(app *inngestkit.App) testsite.Server {
		mux := http.NewServeMux()
		inngesthttp.Mount(mux, app)
		return testsite.HTTP(mux)
	},
	"gin": func(app *inngestkit.App) testsite.Server {
		r := gin.New()
		inngestgin.Mount(r, app)
		return testsite.HTTP(r)
	},
	"echo": func(app *inngestkit.App) testsite.Server {
		e := echo.New()
		e.HideBanner, e.HidePort = true, true
		inngestecho.Mount(e, app)
		return testsite.Echo{Echo: e}
	},
	"fiber": func(app *inngestkit.App) testsite.Server {
		f := fiber.New(fiber.Config{BodyLimit: inngestkit.DefaultMaxBodyBytes, DisableStartupMessage: true})
		inngestfiber.Mount(f, app)
		return testsite.Fiber{App: f}
	},
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type user struct {
	ID string `json:"id"`
}

// started is the event of the app with this ID.
func started(appID string) inngestkit.EventType[user] {
	return inngestkit.DefineEvent[user](appID + "/started")
}

// newApp makes an app in dev mode with one function.
func newApp(t *testing.T, config inngestkit.Config) (*inngestkit.App, *lines) {
	t.Helper()
	var l lines
	config.Dev, config.Logger = true, slog.New(slog.NewTextHandler(&l, nil))
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("echo", started(config.AppID),
		func(_ context.Context, in inngestkit.Input[user]) (string, error) { return in.Event.Data.ID, nil })))
	t.Cleanup(func() {
		testsite.Stop(t, app.Shutdown)
		if t.Failed() {
			t.Log(l.String())
		}
	})
	return app, &l
}

// everywhere listens at a free port of all interfaces, as frameworks do by default.
func everywhere(t *testing.T) (listener net.Listener, port string) {
	t.Helper()
	listener = testsite.Listen(t, ":0")
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return listener, port
}
