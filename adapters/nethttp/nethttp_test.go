package inngesthttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, adaptertest.Adapter{
		Framework: "nethttp", New: newServer, StatusOf: statusOf, CancelsOnHangUp: true, KeepsValues: true, StreamsBodies: true,
		TrailingSlash: adaptertest.SlashServed,
	})
}

func statusOf(err error) int {
	failed, ok := errors.AsType[*inngesthttp.Error](err)
	if !ok {
		return 0
	}
	return failed.Status
}

// below is a router that registers handlers below a prefix, like chi's sub-routers.
type below struct {
	router inngesthttp.Router
	prefix string
}

func (b below) Handle(pattern string, handler http.Handler) {
	b.router.Handle(b.prefix+pattern, handler)
}

func newServer(_ testing.TB, site adaptertest.Site) adaptertest.Server {
	mux := http.NewServeMux()
	var router inngesthttp.Router = mux
	for _, prefix := range site.Groups {
		router = below{router, prefix}
	}
	for _, app := range append([]*inngestkit.App{site.App}, site.Others...) {
		inngesthttp.Mount(router, app)
	}
	mux.Handle(adaptertest.HandPath, inngesthttp.Handler(site.App))

	send := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids, err := inngesthttp.Send(r, site.Event)
		if err != nil {
			site.Failed(err)
			http.Error(w, http.StatusText(statusOf(err)), statusOf(err))
			return
		}
		_, _ = fmt.Fprintf(w, "[%q]", ids[0])
	})
	with := inngesthttp.Middleware(site.App)
	mux.Handle("POST "+adaptertest.BareSendPath, send)
	mux.Handle("POST "+adaptertest.SendPath, with(send))
	mux.Handle("GET "+adaptertest.FromPath, with(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, inngesthttp.From(r).ID())
	})))
	return &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), adaptertest.ContextKey{}, r.Header.Get(adaptertest.TenantHeader))
		ctx = context.WithValue(ctx, adaptertest.TenantKey, r.Header.Get(adaptertest.TenantHeader)) //nolint:staticcheck // as users do
		ctx = context.WithValue(ctx, adaptertest.PageKey, r.URL.Query().Get(adaptertest.PageQuery)) //nolint:staticcheck // as users do
		mux.ServeHTTP(w, r.WithContext(ctx))
	})}
}

// StripPrefix hides the prefix from the app, so ServePath must be set.
func TestStripPrefix(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer api.Close()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "app", Dev: true, BaseURL: api.URL, HTTPClient: api.Client(), ServePath: "/v1/api/inngest",
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	w := httptest.NewRecorder()
	http.StripPrefix("/v1", mux).ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/v1/api/inngest", nil))
	require.Equal(t, http.StatusOK, w.Code)
	last, _ := app.LastSync()
	require.Equal(t, "http://example.com/v1/api/inngest", last.URL)
}
