package inngestgin_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func newApp(t *testing.T, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", inngestkit.DefineEvent[any]("user/signed-up"),
		func(ctx context.Context, _ inngestkit.Input[any]) (any, error) { return handler(ctx) })))
	return app
}

func callFn(t *testing.T, r http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/inngest?fnId=app-fn", strings.NewReader(call)))
	return w
}

// Gin's store has keys of any type since Gin 1.11, and of type string before.
func TestTypedKeys(t *testing.T) {
	t.Parallel()
	type key struct{}
	app := newApp(t, func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil })
	want := "null"
	r := gin.New()
	r.Use(func(c *gin.Context) {
		if store, ok := any(c).(interface{ Set(key, value any) }); ok {
			store.Set(key{}, "under a typed key")
			want = `"under a typed key"`
		}
	})
	inngestgin.Mount(r, app)
	require.JSONEq(t, want, callFn(t, r).Body.String())
}

// Middleware around the app, such as an access log, sees the status and size of responses.
func TestMiddlewareSeesTheResponse(t *testing.T) {
	t.Parallel()
	var status, size int
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Next()
		status, size = c.Writer.Status(), c.Writer.Size()
	})
	inngestgin.Mount(r, newApp(t, func(context.Context) (any, error) { return nil, inngestkit.NoRetry(io.EOF) }))
	w := callFn(t, r)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, w.Body.Len(), size)
}

// c.Error does not wrap the error of Send again. Gin's Logger prints it, because it is
// private. Clients that get it as JSON see only its status.
func TestSendError(t *testing.T) {
	t.Parallel()
	r := gin.New()
	r.POST("/", func(c *gin.Context) {
		_, err := inngestgin.Send(c, inngestkit.DefineEvent[any]("e").New(nil))
		require.Same(t, err, c.Error(err))
		c.AbortWithStatusJSON(inngestkit.SendStatus(err), c.Errors)
		require.Contains(t, c.Errors.ByType(gin.ErrorTypePrivate).String(), "install the Middleware of the adapter")
	})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.JSONEq(t, `{"status":500,"error":"Internal Server Error"}`, w.Body.String())
}

// If http.ErrAbortHandler reached Gin's Recovery, the response would be 200 with the SDK's
// headers, which looks like success.
func TestRecovery(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"panic": "oh no", "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := gin.New()
			r.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusTeapot) }))
			inngestgin.Mount(r, newApp(t, func(context.Context) (any, error) { panic(value) }))
			w := callFn(t, r)
			require.Equal(t, http.StatusInternalServerError, w.Code)
			require.NotEmpty(t, w.Header().Get("X-Inngest-Sdk"))
			require.Contains(t, w.Body.String(), "panicked")
		})
	}
}
