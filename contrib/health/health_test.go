package inngesthealth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

var ordered = inngestkit.DefineEvent[any]("order.placed")

// newApp returns an app with a function that calls handler.
func newApp(t testing.TB, config inngestkit.Config, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	config.AppID = "shop"
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.SigningKey == "" {
		config.Dev = true
	}
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("process-order", ordered,
		func(ctx context.Context, _ inngestkit.Input[any]) (any, error) { return handler(ctx) })))
	t.Cleanup(func() { require.NoError(t, app.Shutdown(context.Background())) })
	return app
}

// install installs without a memory threshold unless the options set one. The memory
// usage of other processes, such as builds, must not affect the tests.
func install(t testing.TB, app *inngestkit.App, options ...Option) *Health {
	t.Helper()
	h, err := Install(app, append([]Option{WithMemoryThreshold(0)}, options...)...)
	require.NoError(t, err)
	return h
}

func succeed(context.Context) (any, error) { return "done", nil }

// callOnce calls the app like the server, in the first of two attempts.
func callOnce(t *testing.T, app *inngestkit.App) int {
	t.Helper()
	return callAttempt(t, app, 0)
}

func callAttempt(t *testing.T, app *inngestkit.App, attempt int) int {
	t.Helper()
	resp := app.Do(t.Context(), &adapter.Request{
		Method: http.MethodPost, RawQuery: "fnId=shop-process-order&stepId=step", Header: http.Header{},
		Body: strings.NewReader(fmt.Sprintf(
			`{"ctx":{"run_id":"r","attempt":%d,"max_attempts":2},"event":{"name":"order.placed","data":{}}}`, attempt)),
	})
	return resp.Status
}

// answered is a response with its whole body.
type answered struct {
	status int
	header http.Header
	body   string
}

// get requests a route of the app.
func get(t *testing.T, app *inngestkit.App, target string, header ...string) answered {
	t.Helper()
	path, _, _ := strings.Cut(target, "?")
	for _, route := range app.Routes() {
		if route.Path != path {
			continue
		}
		r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		adapter.HTTPHandler("test", route.Do).ServeHTTP(w, r)
		return answered{w.Code, w.Header(), w.Body.String()}
	}
	require.Fail(t, "no route", target)
	return answered{}
}
