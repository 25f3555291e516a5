package inngesthttp_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct {
	ID string `json:"id"`
}

var signedUp = inngestkit.NewEvent[user]("user/signed-up")

func newApp(t *testing.T, config inngestkit.Config, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	config.AppID, config.Dev = "app", true
	config.Logger = slog.New(slog.DiscardHandler)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp,
		func(ctx context.Context, _ inngestkit.Input[user]) (any, error) { return handler(ctx) })))
	return app
}

func request(t *testing.T, h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func TestMount(t *testing.T) {
	t.Parallel()
	type key struct{}
	app := newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil })
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	mux.Handle("/by/hand", inngesthttp.Handler(app))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "value of a middleware")))
	})
	for _, path := range []string{"/api/inngest", "/by/hand"} {
		w := request(t, handler, http.MethodPost, path+"?fnId=app-fn", call)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, `"value of a middleware"`, w.Body.String())
		require.Equal(t, "nethttp", w.Header().Get("X-Inngest-Framework"))
		require.Equal(t, http.StatusOK, request(t, handler, http.MethodGet, path, "").Code)
		require.Equal(t, http.StatusMethodNotAllowed, request(t, handler, http.MethodDelete, path, "").Code)
	}
}

func TestSyncAnnouncesTheURLOfTheRequest(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	r := httptest.NewRequest(http.MethodPut, "/api/inngest", nil)
	r.TLS = &tls.ConnectionState{}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	last, _ := app.LastSync()
	require.Equal(t, "https://example.com/api/inngest", last.URL)
}

func TestFromAndSend(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ids":["e1"]}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	send := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids, err := inngesthttp.Send(r, signedUp.New(user{ID: "u1"}))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, inngesthttp.From(r).ID()+" "+strings.Join(ids, ","))
	})
	require.Equal(t, "app e1", request(t, inngesthttp.Middleware(app)(send), http.MethodPost, "/", "").Body.String())
	w := request(t, send, http.MethodPost, "/", "")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "install the Middleware of the adapter")
}
