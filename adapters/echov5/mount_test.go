package inngestechov5_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/require"

	inngestechov5 "github.com/inngestkit/inngestkit/adapters/echov5"
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
				inngestechov5.Mount(e.Group(group), app)
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

// An app can be mounted on two groups and on two hosts. By default Echo does not report
// that one route replaces another, so the adapter must.
func TestTwoGroups(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, done)
	e, other := echo.New(), echo.New()
	inngestechov5.Mount(e.Group("/public"), app)
	inngestechov5.Mount(e.Group("/internal"), app)
	requireDone(t, e, "/public/api/inngest")
	requireDone(t, e, "/internal/api/inngest")
	for _, prefix := range []string{"/public", "public"} {
		require.PanicsWithValue(t, `inngestechov5: Mount: app "app" is mounted at /public/api/inngest already; mount it once on each router or group`,
			func() { inngestechov5.Mount(e.Group(prefix), app) })
	}

	inngestechov5.Mount(other.Group("/public"), app)
	hosts := echo.NewVirtualHostHandler(map[string]*echo.Echo{"a.test": e, "b.test": other})
	requireDone(t, hosts, "http://a.test/public/api/inngest")
	requireDone(t, hosts, "http://b.test/public/api/inngest")
}

// Echo can reject routes instead of replacing them. Mount says which app is affected.
func TestRejectedRoutes(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, done)
	unique := func() *echo.Echo {
		return echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{})})
	}
	const hint = "; if the path is taken, set another Config.Path, or mount the app on a group of its own"
	for name, tc := range map[string]struct {
		prepare func() *echo.Echo
		want    string
	}{
		"by another app": {func() *echo.Echo {
			e := unique()
			inngestechov5.Mount(e.Group("/v1"), app)
			return e
		}, `inngestechov5: Mount: app "app" is mounted at /v1/api/inngest already; mount it once on each router or group`},
		"by the site": {func() *echo.Echo {
			e := unique()
			e.Any("/v1/api/inngest", func(*echo.Context) error { return nil })
			return e
		}, `inngestechov5: Mount: Echo rejects a route of app "app": ` +
			"echo_route_any /v1/api/inngest: adding duplicate route (same method+path) is not allowed" + hint},
		"by the site, with a slash": {func() *echo.Echo {
			e := unique()
			e.Any("/v1/api/inngest/", func(*echo.Context) error { return nil })
			return e
		}, `inngestechov5: Mount: Echo rejects a route of app "app": ` +
			"echo_route_any /v1/api/inngest/: adding duplicate route (same method+path) is not allowed" + hint},
		"by OnAddRoute, twice": {func() *echo.Echo {
			e := echo.NewWithConfig(echo.Config{OnAddRoute: func(r echo.Route) error { return errors.New("not " + r.Path) }})
			require.Panics(t, func() { inngestechov5.Mount(e.Group("/v1"), app) })
			return e
		}, `inngestechov5: Mount: Echo rejects a route of app "app": not /v1/api/inngest` + hint},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := tc.prepare()
			require.PanicsWithValue(t, tc.want, func() { inngestechov5.Mount(e.Group("/v1"), app) })
		})
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	const noRouter = `inngestechov5: Mount: the router for app "app" is nil`
	for _, tc := range []struct {
		want string
		call func()
	}{
		{"inngestechov5: Mount: the app is nil", func() { inngestechov5.Mount(echo.New(), nil) }},
		{noRouter, func() { inngestechov5.Mount(nil, app) }},
		{noRouter, func() { inngestechov5.Mount((*echo.Group)(nil), app) }},
		{"inngestechov5: Handler: the app is nil", func() { inngestechov5.Handler(nil) }},
		{"inngestechov5: Middleware: the app is nil", func() { inngestechov5.Middleware(nil) }},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), tc.want) }()
			tc.call()
		})
	}
	for _, c := range []*echo.Context{nil, echo.New().NewContext(nil, nil)} {
		require.Nil(t, inngestechov5.From(c))
		_, err := inngestechov5.Send(c)
		require.ErrorContains(t, err, "the context has no app")
	}
}
