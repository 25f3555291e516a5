package inngestfiber_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
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

func request(t *testing.T, f *fiber.App, method, target string) (status int, body string) {
	t.Helper()
	resp, err := f.Test(httptest.NewRequest(method, target, strings.NewReader(call)), -1)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// Apps and groups can be mounted in any order, and Inngest receives the full path.
func TestSubApps(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(api.Close)
	for name, tc := range map[string]struct {
		mount func(f *fiber.App, app *inngestkit.App)
		path  string
	}{
		"sub-app mounted before": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			f.Mount("/sub", sub)
			inngestfiber.Mount(sub, app)
		}, "/sub/api/inngest"},
		"sub-app mounted afterwards": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			inngestfiber.Mount(sub, app)
			f.Mount("/sub", sub)
		}, "/sub/api/inngest"},
		"group in a sub-app": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			inngestfiber.Mount(sub.Group("/v1").Group("/internal"), app)
			f.Mount("/sub", sub)
		}, "/sub/v1/internal/api/inngest"},
		"sub-app on a group": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			f.Group("/v1").Mount("/sub", sub)
			inngestfiber.Mount(sub, app)
		}, "/v1/sub/api/inngest"},
		"sub-app in a sub-app": {func(f *fiber.App, app *inngestkit.App) {
			outer, inner := fiber.New(), fiber.New()
			inngestfiber.Mount(inner.Group("/v1"), app)
			outer.Mount("/inner", inner)
			f.Mount("/outer", outer)
		}, "/outer/inner/v1/api/inngest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client(), ServeHost: "example.com:80"},
				func(context.Context) (any, error) { return "hello", nil })
			f := fiber.New()
			tc.mount(f, app)
			status, body := request(t, f, http.MethodPost, tc.path+"?fnId=app-fn")
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, `"hello"`, body)
			status, _ = request(t, f, http.MethodPut, tc.path)
			require.Equal(t, http.StatusOK, status)
			asked, _ := app.LastSync()
			require.Equal(t, "http://example.com:80"+tc.path, asked.URL)
			require.NoError(t, app.Sync(t.Context()))
			started, _ := app.LastSync()
			require.Equal(t, "http://example.com:80"+tc.path, started.URL)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// If nested sub-apps are mounted from the outside, the inner one does not know its full
// path, so Config.ServePath must be set.
func TestSubAppsMountedFromTheOutside(t *testing.T) {
	t.Parallel()
	const path = "/outer/inner/api/inngest"
	for servePath, announced := range map[string]string{"": "/inner/api/inngest", path: path} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"ok":true}`)
		}))
		t.Cleanup(api.Close)
		app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client(), ServeHost: "example.com:80", ServePath: servePath},
			func(context.Context) (any, error) { return "hello", nil })
		f, outer, inner := fiber.New(), fiber.New(), fiber.New()
		f.Mount("/outer", outer)
		outer.Mount("/inner", inner)
		inngestfiber.Mount(inner, app)
		status, body := request(t, f, http.MethodPost, path+"?fnId=app-fn")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, `"hello"`, body)
		require.NoError(t, app.Sync(t.Context()))
		last, _ := app.LastSync()
		require.Equal(t, "http://example.com:80"+announced, last.URL)
		require.NoError(t, app.Shutdown(t.Context()))
	}
}

// Mount does not affect a user's sub-app at the path of the endpoint.
func TestSubAppAtTheSamePath(t *testing.T) {
	t.Parallel()
	f := fiber.New()
	jobs := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, _ error) error { return c.SendStatus(http.StatusTeapot) }})
	jobs.Get("/x", func(*fiber.Ctx) error { return fiber.ErrBadRequest })
	f.Mount("/jobs", jobs)
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{Path: "/jobs"}, func(context.Context) (any, error) { return "done", nil }))
	status, _ := request(t, f, http.MethodGet, "/jobs/x")
	require.Equal(t, http.StatusTeapot, status)
	status, body := request(t, f, http.MethodPost, "/jobs?fnId=app-fn")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `"done"`, body)
}

// A user context that derives from Fiber's, which outlives its request, ends with the
// call, and has no values of later requests. The test reads it during later requests,
// when Fiber's context belongs to them.
func TestUserContextDerivedFromFibers(t *testing.T) {
	t.Parallel()
	type key struct{}
	var kept []context.Context
	f := fiber.New()
	f.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(context.WithValue(c.Context(), key{}, c.Method()))
		if later := c.Query("later"); later != "" {
			c.Locals("later", later)
		}
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept = append(kept, ctx)
		return []any{ctx.Value(key{}), kept[0].Value("later")}, nil
	}))
	for _, query := range []string{"", "&later=1", "&later=2"} {
		status, body := request(t, f, http.MethodPost, "/api/inngest?fnId=app-fn"+query)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `["POST",null]`, body)
	}
	require.Error(t, kept[0].Err())
	require.Nil(t, kept[0].Value(key{}))
	require.Equal(t, "1", kept[1].Value("later"))
}
