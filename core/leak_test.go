package inngestkit_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// No goroutine outlives Shutdown, not even those of the app's own HTTP client. The test is not
// parallel, because it looks at all goroutines.
func TestNoGoroutineOutlivesShutdown(t *testing.T) {
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		answer := `{"ok":true}`
		if strings.HasPrefix(r.URL.Path, "/e/") {
			answer = `{"ids":["e1"],"status":200}`
		}
		_, _ = io.WriteString(w, answer)
	})
	before := goleak.IgnoreCurrent()

	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, BaseURL: server.URL, ServeHost: listener.Addr().String(), MaxInFlight: 1,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, app.Register(onSignUp(hello)))
	srv := &http.Server{Handler: adapter.HTTPHandler("test", app.Do)}
	served := make(chan error)
	go func() { served <- srv.Serve(listener) }()
	app.MountedAt("test", "/api/inngest")
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(t.Context()))
	require.NoError(t, app.Sync(t.Context()))

	caller := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := caller.Post("http://"+listener.Addr().String()+"/api/inngest?fnId=app-fn", "application/json",
		strings.NewReader(signUpEnvelope(user{}).json(t)))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	_, err = app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)

	require.NoError(t, app.Shutdown(t.Context()))
	require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context())))
	require.ErrorIs(t, <-served, http.ErrServerClosed)
	goleak.VerifyNone(t, before)
}
