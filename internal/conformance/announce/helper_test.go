package announce

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	testsite.VerifyTestMain(m)
}

type user struct {
	ID string `json:"id"`
}

// started is the event of the app with this ID.
func started(appID string) inngestkit.EventType[user] {
	return inngestkit.DefineEvent[user](appID + "/started")
}

// newApp returns an app in dev mode with one function, and its log.
func newApp(t *testing.T, config inngestkit.Config) (*inngestkit.App, *testsite.Log) {
	t.Helper()
	var l testsite.Log
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

// everywhere listens at a free port of all interfaces, as testsite.Frameworks do by default.
func everywhere(t *testing.T) (listener net.Listener, port string) {
	t.Helper()
	listener = testsite.Listen(t, ":0")
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return listener, port
}
