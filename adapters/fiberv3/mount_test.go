package inngestfiberv3_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/require"

	inngestfiberv3 "github.com/inngestkit/inngestkit/adapters/fiberv3"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// An app can be mounted on two groups. Fiber does not report routes that are never
// reached, so the adapter must.
func TestTwoGroups(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return "done", nil })
	f := fiber.New(fiber.Config{StrictRouting: true})
	inngestfiberv3.Mount(f.Group("/public"), app)
	inngestfiberv3.Mount(f.Group("/internal"), app)
	for _, target := range []string{"/public/api/inngest", "/internal/api/inngest", "/public/api/inngest/", "/internal/api/inngest/"} {
		status, body := request(t, f, http.MethodPost, target+"?fnId=app-fn")
		require.Equal(t, http.StatusOK, status, target)
		require.Equal(t, `"done"`, body, target)
	}
	require.PanicsWithValue(t, `inngestfiberv3: Mount: app "app" is mounted at /public/api/inngest already; mount it once on each router or group`,
		func() { inngestfiberv3.Mount(f.Group("/public"), app) })
}

// Mount leaves no route of its own behind.
func TestMountRemovesItsProbe(t *testing.T) {
	t.Parallel()
	f := fiber.New()
	f.Get("/api/inngest/-", func(c fiber.Ctx) error { return c.SendString("the user's") })
	inngestfiberv3.Mount(f, newApp(t, inngestkit.Config{}, nil))
	for _, route := range f.GetRoutes() {
		require.NotEmpty(t, route.Handlers, route.Path)
	}
	_, body := request(t, f, http.MethodGet, "/api/inngest/-")
	require.Equal(t, "the user's", body)
}

// CaseSensitive determines whether two paths that differ only in case conflict.
func TestCaseOfPaths(t *testing.T) {
	t.Parallel()
	for _, sensitive := range []bool{false, true} {
		f := fiber.New(fiber.Config{CaseSensitive: sensitive})
		inngestfiberv3.Mount(f, newApp(t, inngestkit.Config{Path: "/Inngest"}, nil))
		again := func() { inngestfiberv3.Mount(f, newApp(t, inngestkit.Config{Path: "/inngest"}, nil)) }
		if sensitive {
			require.NotPanics(t, again)
		} else {
			require.Panics(t, again)
		}
	}
}

// All contexts that users pass on carry the app.
func TestSendWithFibersContexts(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ids":["e1"],"status":200}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	f := fiber.New()
	f.Use(inngestfiberv3.Middleware(app))
	for path, contextOf := range map[string]func(c fiber.Ctx) context.Context{
		"/ctx":         func(c fiber.Ctx) context.Context { return c },
		"/context":     fiber.Ctx.Context,
		"/request-ctx": func(c fiber.Ctx) context.Context { return c.RequestCtx() },
	} {
		f.Post(path, func(c fiber.Ctx) error {
			ids, err := inngestkit.Send(contextOf(c), signedUp.New(nil))
			if err != nil {
				return err
			}
			return c.JSON(ids)
		})
	}
	for _, path := range []string{"/ctx", "/context", "/request-ctx"} {
		status, body := request(t, f, http.MethodPost, path)
		require.Equal(t, http.StatusOK, status, path+body)
		require.JSONEq(t, `["e1"]`, body)
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	const noRouter = `inngestfiberv3: Mount: the router for app "app" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngestfiberv3: Mount: the app is nil", func() { inngestfiberv3.Mount(fiber.New(), nil) }},
		{noRouter, func() { inngestfiberv3.Mount(nil, app) }},
		{noRouter, func() { inngestfiberv3.Mount((*fiber.Group)(nil), app) }},
		{"inngestfiberv3: Handler: the app is nil", func() { inngestfiberv3.Handler(nil) }},
		{"inngestfiberv3: Middleware: the app is nil", func() { inngestfiberv3.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	require.Nil(t, inngestfiberv3.From(nil))
	_, err := inngestfiberv3.Send(nil)
	failed, ok := errors.AsType[*inngestfiberv3.Error](err)
	require.True(t, ok)
	require.ErrorContains(t, failed.Err, "the context has no app")
}
