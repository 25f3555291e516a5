package inngestechov5_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

var signedUp = inngestkit.DefineEvent[any]("user/signed-up")

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func newApp(t *testing.T, config inngestkit.Config, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	config.AppID, config.Dev = "app", true
	config.Logger = slog.New(slog.DiscardHandler)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp,
		func(ctx context.Context, _ inngestkit.Input[any]) (any, error) { return handler(ctx) })))
	return app
}

// Middleware around the app, such as an access log, sees the status and size of responses.
func TestMiddlewareSeesTheResponse(t *testing.T) {
	t.Parallel()
	var status int
	var size int64
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			err := next(c)
			response, _ := echo.UnwrapResponse(c.Response())
			status, size = response.Status, response.Size
			return err
		}
	})
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, inngestkit.NoRetry(io.EOF) })
	inngestechov5.Mount(e, app)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/inngest?fnId=app-fn", strings.NewReader(call)))
	require.Equal(t, http.StatusBadRequest, status)
	require.EqualValues(t, w.Body.Len(), size)
}
