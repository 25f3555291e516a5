package inngestfiber_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// An app can be mounted on two groups. Fiber does not report routes that are never
// reached, so the adapter must.
func TestTwoGroups(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return "done", nil })
	f := fiber.New(fiber.Config{StrictRouting: true})
	inngestfiber.Mount(f.Group("/public"), app)
	inngestfiber.Mount(f.Group("/internal"), app)
	for _, target := range []string{"/public/api/inngest", "/internal/api/inngest", "/public/api/inngest/", "/internal/api/inngest/"} {
		status, body := request(t, f, http.MethodPost, target+"?fnId=app-fn")
		require.Equal(t, http.StatusOK, status, target)
		require.Equal(t, `"done"`, body, target)
	}
	require.PanicsWithValue(t, `inngestfiber: Mount: app "app" is mounted at /public/api/inngest already; mount it once on each router or group`,
		func() { inngestfiber.Mount(f.Group("/public"), app) })
}

// CaseSensitive determines whether two paths that differ only in case conflict.
func TestCaseOfPaths(t *testing.T) {
	t.Parallel()
	for _, sensitive := range []bool{false, true} {
		f := fiber.New(fiber.Config{CaseSensitive: sensitive})
		inngestfiber.Mount(f, newApp(t, inngestkit.Config{Path: "/Inngest"}, nil))
		again := func() { inngestfiber.Mount(f, newApp(t, inngestkit.Config{Path: "/inngest"}, nil)) }
		if sensitive {
			require.NotPanics(t, again)
		} else {
			require.Panics(t, again)
		}
	}
}

// Both of Fiber's contexts carry the app.
func TestSendWithFibersContexts(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ids":["e1"],"status":200}`)
	}))
	defer api.Close()
	app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client()}, nil)
	f := fiber.New()
	f.Use(inngestfiber.Middleware(app))
	for path, contextOf := range map[string]func(c *fiber.Ctx) context.Context{
		"/context":      func(c *fiber.Ctx) context.Context { return c.Context() },
		"/user-context": (*fiber.Ctx).UserContext,
	} {
		f.Post(path, func(c *fiber.Ctx) error {
			ids, err := inngestkit.Send(contextOf(c), signedUp.New(nil))
			if err != nil {
				return err
			}
			return c.JSON(ids)
		})
		status, body := request(t, f, http.MethodPost, path)
		require.Equal(t, http.StatusOK, status, body)
		require.JSONEq(t, `["e1"]`, body)
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	const noRouter = `inngestfiber: Mount: the router for app "app" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngestfiber: Mount: the app is nil", func() { inngestfiber.Mount(fiber.New(), nil) }},
		{noRouter, func() { inngestfiber.Mount(nil, app) }},
		{noRouter, func() { inngestfiber.Mount((*fiber.Group)(nil), app) }},
		{"inngestfiber: Handler: the app is nil", func() { inngestfiber.Handler(nil) }},
		{"inngestfiber: Middleware: the app is nil", func() { inngestfiber.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	require.Nil(t, inngestfiber.From(nil))
	_, err := inngestfiber.Send(nil)
	failed, ok := errors.AsType[*inngestfiber.Error](err)
	require.True(t, ok)
	require.ErrorContains(t, failed.Err, "the context has no app")
}
