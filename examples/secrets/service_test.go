package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// brokenMailer is a service of a test, in place of the program's.
type brokenMailer struct{ err error }

func (m brokenMailer) Send(context.Context, string, string) (string, error) { return "", m.err }

// Tests inject other services.
func TestInvoiceIsBookedOnce(t *testing.T) {
	t.Parallel()
	invoices := NewInvoices(&memoryLedger{}, brokenMailer{errors.New("mail is down")})
	e := inngesttest.Virtual(t)
	e.Register(invoices.Functions()...)
	e.Send(orderCompleted.New(Order{OrderID: "o1"}))
	run := e.Runs(nil)[0].Wait()
	require.ErrorContains(t, run.Err(), "mail is down")
	require.Equal(t, 1, run.Step("book").Attempts)
	require.Equal(t, 5, run.Step("mail").Attempts)
}

// In cloud mode the router accepts calls signed with the key or with the fallback key.
func TestSignedCalls(t *testing.T) {
	t.Parallel()
	key, fallback := newKey(), newKey()
	for name, signedWith := range map[string]string{"key": key, "fallback": fallback} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newCloudService(t, key, fallback)
			e := inngesttest.Virtual(t, inngesttest.SigningKey(signedWith))
			e.Serve(service.App, inngesttest.Through(service.Router, "/api/inngest"))
			e.Send(orderCompleted.New(Order{OrderID: "o1", Email: "ada@example.com"}))
			require.JSONEq(t, `{"number":"2026-0001","mailId":"mail-to-ada@example.com"}`, string(e.Runs(nil)[0].Wait().OutputJSON()))
		})
	}
}

// It rejects all others.
func TestUnsignedCall(t *testing.T) {
	t.Parallel()
	service := newCloudService(t, newKey(), "")
	w := httptest.NewRecorder()
	service.Router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost,
		"/api/inngest?fnId=invoices-send-invoice&stepId=step", strings.NewReader(`{"event":{}}`)))
	require.Equal(t, http.StatusUnauthorized, w.Code)
}

func newCloudService(t *testing.T, key, fallback string) *Service {
	t.Helper()
	service, err := NewService(Config{MailPassword: "p", Inngest: inngestkit.Config{
		AppID: "invoices", SigningKey: inngestkit.Secret(key), SigningKeyFallback: inngestkit.Secret(fallback),
		EventKey: "event-key", ServeHost: "https://invoices.test", Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}})
	require.NoError(t, err)
	return service
}

// The three ways to say where the app is; see README.md.
func TestAnnouncedURL(t *testing.T) {
	t.Parallel()
	server := newFakeServer(t)
	for name, test := range map[string]struct {
		vars map[string]string
		want string
	}{
		"host and port": {map[string]string{"PORT": "3002", "INNGEST_SERVE_HOST": "localhost"}, "http://localhost:3002/api/inngest"},
		"URL": { // then the port does not count
			map[string]string{"PORT": "3002", "INNGEST_SERVE_HOST": "https://localhost"}, "https://localhost/api/inngest",
		},
		"only the port": {map[string]string{"PORT": "3002"}, "http://localhost:3002/api/inngest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := LoadConfig(t.Context(), inngestkit.FirstFound(lookupMap(test.vars),
				lookupMap(map[string]string{"MAIL_PASSWORD": "p", "INNGEST_DEV": server})))
			require.NoError(t, err)
			cfg.Inngest.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
			service, err := NewService(cfg)
			require.NoError(t, err)
			require.NoError(t, service.App.Sync(t.Context()))
			sync, synced := service.App.LastSync()
			require.True(t, synced)
			require.Equal(t, test.want, sync.URL)
			require.NoError(t, service.App.Shutdown(t.Context()))
		})
	}
}

// newFakeServer returns the URL of a server that accepts every sync.
func newFakeServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// The program serves on its port until it is told to stop.
func TestServe(t *testing.T) {
	port := strconv.Itoa(freePort(t))
	t.Setenv("SECRETS_DIR", t.TempDir())
	t.Setenv("MAIL_PASSWORD", "from the environment")
	t.Setenv("INNGEST_DEV", newFakeServer(t))
	t.Setenv("PORT", port)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx) }()
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://127.0.0.1:" + port + "/api/inngest")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	}, 10*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-served)
	http.DefaultClient.CloseIdleConnections()
}

// Without a secrets manager the program does not start.
func TestNoSource(t *testing.T) {
	t.Setenv("SECRETS_DIR", "")
	t.Setenv("VAULT_ADDR", "")
	require.ErrorContains(t, serve(t.Context()), "set VAULT_ADDR")
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().(*net.TCPAddr).Port
}
