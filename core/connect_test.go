package inngestkit_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	require.ErrorContains(t, app.Connect(t.Context()), "no functions")
	require.NoError(t, app.Register(onSignUp(hello)))
	require.NoError(t, app.Shutdown(t.Context()))
	require.ErrorContains(t, app.Connect(t.Context()), "shut down")
	_, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, ConnectMaxWorkerConcurrency: -1})
	require.ErrorContains(t, err, "ConnectMaxWorkerConcurrency (INNGEST_CONNECT_MAX_WORKER_CONCURRENCY) is -1")
}

// If the server refuses the key, Connect uses the fallback key. It logs the refusal once.
func TestConnectIsRefusedByTheServer(t *testing.T) {
	t.Parallel()
	enough := make(chan struct{})
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		w.WriteHeader(http.StatusUnauthorized)
		if n == 2 {
			close(enough)
		}
	})
	config := cloud
	config.BaseURL, config.Env = server.URL, "branch"
	app, l := newAppWith(t, config, onSignUp(hello))
	ended := make(chan error)
	go func() { ended <- app.Connect(context.WithoutCancel(t.Context())) }()
	<-enough
	require.ErrorContains(t, app.Connect(t.Context()), "connected already")
	require.Equal(t, inngestkit.ConnectionConnecting, app.Connection())
	require.EqualError(t, app.Ping(t.Context()), "inngestkit: ping: not connected to "+server.URL+" at the moment")
	shutdown := make(chan error)
	go func() { shutdown <- app.Shutdown(context.WithoutCancel(t.Context())) }()
	err := <-ended
	require.ErrorContains(t, err, "never connected")
	require.NoError(t, <-shutdown)
	require.Equal(t, inngestkit.ConnectionUnused, app.Connection())
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it

	requests, _ := server.seen()
	require.Equal(t, "/v0/connect/start", requests[0].URL.Path)
	require.Equal(t, "branch", requests[0].Header.Get("X-Inngest-Env"))
	keys := map[string]bool{}
	for _, r := range requests {
		keys[r.Header.Get("Authorization")] = true
	}
	require.Len(t, keys, 2, "both keys")
	require.Equal(t, 1, strings.Count(l.String(), "inngest: connect: could not establish connection"), l.String())
	for _, secret := range []string{signingKey[13:], fallbackKey[13:]} {
		require.NotContains(t, l.String()+err.Error(), secret)
	}
	_, ok := app.LastSync()
	require.False(t, ok)
}

// Send does not warn that Start is missing: the connection announces the functions.
func TestSendWhileConnecting(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	var once sync.Once
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasPrefix(r.URL.Path, "/e/") {
			_, _ = io.WriteString(w, `{"ids":["id1"]}`)
			return
		}
		once.Do(func() { close(asked) })
		w.WriteHeader(http.StatusUnauthorized)
	})
	app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL}, onSignUp(hello))
	app.MountedAt("test", "/api/inngest")
	ended := make(chan error)
	go func() { ended <- app.Connect(context.WithoutCancel(t.Context())) }()
	<-asked
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
	require.NotContains(t, l.String(), "App.Start")
	shutdown := make(chan error)
	go func() { shutdown <- app.Shutdown(context.WithoutCancel(t.Context())) }()
	err = <-ended
	require.ErrorContains(t, err, "never connected")
	require.ErrorIs(t, err, inngestkit.ErrShutdown)
	require.NoError(t, <-shutdown)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections() // the SDK's requests go through it
}
