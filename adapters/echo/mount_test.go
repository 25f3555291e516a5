package inngestecho_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/stretchr/testify/require"

	inngestecho "github.com/inngestkit/inngestkit/adapters/echo"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

func done(context.Context) (any, error) { return "done", nil }

func requireDone(t *testing.T, e *echo.Echo, target string) {
	t.Helper()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, target+"?fnId=app-fn", strings.NewReader(call)))
	require.Equal(t, http.StatusOK, w.Code, target)
	require.Equal(t, `"done"`, w.Body.String(), target)
}

// Echo's middleware for slashes changes the path before routing.
func TestSlashMiddleware(t *testing.T) {
	t.Parallel()
	for name, pre := range map[string]echo.MiddlewareFunc{
		"AddTrailingSlash": middleware.AddTrailingSlash(), "RemoveTrailingSlash": middleware.RemoveTrailingSlash(),
	} {
		for _, path := range []string{"", "/", "/inngest/"} {
			for _, group := range []string{"", "/v1"} {
				e := echo.New()
				e.Pre(pre)
				app := newApp(t, inngestkit.Config{Path: path}, done)
				inngestecho.Mount(e.Group(group), app)
				target := strings.TrimSuffix(group+app.Path(), "/")
				t.Log(name, target)
				requireDone(t, e, target+"/")
				if target != "" {
					requireDone(t, e, target)
				}
			}
		}
	}
}

// An app can be mounted on two groups and on two hosts. Echo does not report that one
// route replaces another, so the adapter must.
func TestTwoGroups(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, done)
	e := echo.New()
	inngestecho.Mount(e.Group("/public"), app)
	inngestecho.Mount(e.Group("/internal"), app)
	requireDone(t, e, "/public/api/inngest")
	requireDone(t, e, "/internal/api/inngest")
	for _, prefix := range []string{"/public", "public"} {
		require.PanicsWithValue(t, `inngestecho: Mount: app "app" is mounted at /public/api/inngest already; mount it once on each router or group`,
			func() { inngestecho.Mount(e.Group(prefix), app) })
	}

	inngestecho.Mount(e.Host("a.test").Group("/public"), app)
	inngestecho.Mount(e.Host("b.test").Group("/public"), app)
	requireDone(t, e, "http://a.test/public/api/inngest")
	requireDone(t, e, "http://b.test/public/api/inngest")
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	const noRouter = `inngestecho: Mount: the router for app "app" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngestecho: Mount: the app is nil", func() { inngestecho.Mount(echo.New(), nil) }},
		{noRouter, func() { inngestecho.Mount(nil, app) }},
		{noRouter, func() { inngestecho.Mount((*echo.Group)(nil), app) }},
		{"inngestecho: Handler: the app is nil", func() { inngestecho.Handler(nil) }},
		{"inngestecho: Middleware: the app is nil", func() { inngestecho.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	for _, c := range []echo.Context{nil, echo.New().NewContext(nil, nil)} {
		require.Nil(t, inngestecho.From(c))
		_, err := inngestecho.Send(c)
		require.ErrorContains(t, err, "the context has no app")
	}
}
