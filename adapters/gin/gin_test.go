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
	"go.uber.org/goleak"

	inngestgin "github.com/inngestkit/inngestkit/adapters/gin"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

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

func request(t *testing.T, r http.Handler, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func TestMount(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return "hello", nil })
	r := gin.New()
	inngestgin.Mount(r, app)
	r.Any("/by/hand", inngestgin.Handler(app))
	for _, path := range []string{"/api/inngest", "/by/hand"} {
		w := request(t, r, http.MethodPost, path+"?fnId=app-fn", call)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, `"hello"`, w.Body.String())
		require.Equal(t, "gin", w.Header().Get("X-Inngest-Framework"))
		require.Equal(t, http.StatusOK, request(t, r, http.MethodGet, path, "").Code)
		w = request(t, r, http.MethodDelete, path, "")
		require.Equal(t, http.StatusMethodNotAllowed, w.Code)
		require.NotEmpty(t, w.Header().Get("Allow"))
	}
}

// The server is told the full path, with the prefixes of the groups.
func TestMountOnAGroup(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	r := gin.New()
	inngestgin.Mount(r.Group("/v1").Group("/internal"), app)
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(t.Context()))
	started, _ := app.LastSync()
	require.Equal(t, "http://localhost:3000/v1/internal/api/inngest", started.URL)

	require.Equal(t, http.StatusOK, request(t, r, http.MethodPut, "/v1/internal/api/inngest", "").Code)
	asked, _ := app.LastSync()
	require.Equal(t, "http://example.com/v1/internal/api/inngest", asked.URL)
	require.NoError(t, app.Shutdown(t.Context()))
}

// What middleware stores with c.Set is seen by functions under the same key, also
// after Gin has gone on with the request or given the context to another one.
func TestValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	var kept context.Context
	app := newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept = ctx
		return []any{ctx.Value("tenant"), ctx.Value(key{}), ctx.Value("absent")}, nil
	})
	r := gin.New()
	r.Use(func(c *gin.Context) {
		c.Set("tenant", c.Query("tenant"))
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), key{}, "from the request"))
		c.Next()
		c.Set("tenant", "changed after the call") // the function may still be reading
	})
	inngestgin.Mount(r, app)
	w := request(t, r, http.MethodPost, "/api/inngest?fnId=app-fn&tenant=a", call)
	require.JSONEq(t, `["a","from the request",null]`, w.Body.String())
	first := kept
	w = request(t, r, http.MethodPost, "/api/inngest?fnId=app-fn&tenant=b", call)
	require.JSONEq(t, `["b","from the request",null]`, w.Body.String())
	require.Equal(t, "a", first.Value("tenant"))
}

func TestFromAndSend(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"id":"u1"`) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"ids":["e1"]}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	send := func(c *gin.Context) {
		ids, err := inngestgin.Send(c, signedUp.New(user{ID: "u1"}))
		if err != nil {
			c.String(http.StatusInternalServerError, err.Error())
			return
		}
		c.JSON(http.StatusOK, ids)
	}
	r := gin.New()
	r.POST("/without", send)
	r.Use(inngestgin.Middleware(app))
	r.POST("/with", send)
	r.GET("/from", func(c *gin.Context) { c.String(http.StatusOK, inngestgin.From(c).ID()) })
	require.JSONEq(t, `["e1"]`, request(t, r, http.MethodPost, "/with", "").Body.String())
	require.Equal(t, "app", request(t, r, http.MethodGet, "/from", "").Body.String())
	w := request(t, r, http.MethodPost, "/without", "")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Contains(t, w.Body.String(), "install the Middleware of the adapter")
}

// A panic in a function, http.ErrAbortHandler included, never looks like success.
func TestPanics(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"panic": "oh no", "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { panic(value) })
			r := gin.New()
			r.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusTeapot) }))
			inngestgin.Mount(r, app)
			w := request(t, r, http.MethodPost, "/api/inngest?fnId=app-fn", call)
			require.Equal(t, http.StatusInternalServerError, w.Code)
			require.NotEmpty(t, w.Header().Get("X-Inngest-Sdk"))
			require.Contains(t, w.Body.String(), "panicked")
		})
	}
}
