package inngestkit_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

func teapot(context.Context, *adapter.Request) *adapter.Response {
	return &adapter.Response{Status: http.StatusTeapot}
}

func TestAddRoutes(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	var got *adapter.Request
	given := &adapter.Response{Status: http.StatusServiceUnavailable, Header: http.Header{"X-Many": {"1", "2"}}, Body: []byte("down")}
	require.NoError(t, app.AddRoutes(adapter.Route{
		Path: "/plugin",
		Do: func(_ context.Context, req *adapter.Request) *adapter.Response {
			got = req
			return given
		},
	}))
	require.NoError(t, app.AddRoutes(adapter.Route{Path: "/plugin/sub", Do: teapot}), "one beneath the other")

	routes := app.Routes()
	require.Equal(t, []string{"/api/inngest", "/plugin", "/plugin/sub"}, paths(routes))
	req := request(http.MethodPost, "q=1", "body")
	require.Same(t, given, routes[1].Do(t.Context(), req))
	require.Same(t, req, got)
	require.Equal(t, http.StatusTeapot, routes[2].Do(t.Context(), req).Status)
	inspected := routes[0].Do(t.Context(), request(http.MethodGet, "", ""))
	require.Equal(t, http.StatusOK, inspected.Status)
	require.NotEmpty(t, inspected.Header.Get("X-Inngest-Sdk"), "the first one is the app's")

	routes[1].Path = "/changed"
	require.Equal(t, "/plugin", app.Routes()[1].Path, "the list is the caller's")
}

func paths(routes []adapter.Route) []string {
	all := make([]string, len(routes))
	for i, route := range routes {
		all[i] = route.Path
	}
	return all
}

func TestAddRouteRefuses(t *testing.T) {
	t.Parallel()
	const rule = " is not a valid path of a route; a path begins with / and has no //, no . or .. element, no query and no white space"
	const pattern = " is not a valid path of a route; some routers treat : and * as a pattern"
	for name, c := range map[string]struct {
		route adapter.Route
		want  string
	}{
		"no path":        {adapter.Route{Do: teapot}, `""` + rule},
		"no slash":       {adapter.Route{Path: "plugin", Do: teapot}, `"plugin"` + rule},
		"slashes":        {adapter.Route{Path: "/plugin//", Do: teapot}, `"/plugin//"` + rule},
		"twice, a slash": {adapter.Route{Path: "/first/", Do: teapot}, `the path "/first" is taken by another route of the app`},
		"a parameter":    {adapter.Route{Path: "/plugin/:id", Do: teapot}, `"/plugin/:id"` + pattern},
		"a wildcard":     {adapter.Route{Path: "/plugin/*", Do: teapot}, `"/plugin/*"` + pattern},
		"a query":        {adapter.Route{Path: "/plugin?q", Do: teapot}, `"/plugin?q"` + rule},
		"the app's path": {adapter.Route{Path: "/inngest", Do: teapot}, `the path "/inngest" is taken by another route of the app`},
		"twice":          {adapter.Route{Path: "/first", Do: teapot}, `the path "/first" is taken by another route of the app`},
		"no Do":          {adapter.Route{Path: "/plugin"}, `the route "/plugin" has no handler; set its Do`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, Path: "/inngest"})
			require.NoError(t, app.AddRoutes(adapter.Route{Path: "/first", Do: teapot}))
			require.EqualError(t, app.AddRoutes(c.route), "inngestkit: add routes: "+c.want)
			require.Equal(t, []string{"/inngest", "/first"}, paths(app.Routes()), "none is added")
			require.NoError(t, app.AddRoutes(adapter.Route{Path: "/next", Do: teapot}))
		})
	}
}

// A route that comes after Mount would never be called.
func TestAddRouteAfterMount(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	app.MountedAt("test", "/api/inngest")
	err := app.AddRoutes(adapter.Route{Path: "/plugin", Do: teapot})
	require.EqualError(t, err, `inngestkit: add routes: the app is mounted already, without "/plugin"; add routes before Mount`)
	require.Equal(t, []string{"/api/inngest"}, paths(app.Routes()))
}

// Concurrent calls do not race, and no path is added twice.
func TestAddRouteAtTheSameTime(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	added := make(chan error, 20)
	var all sync.WaitGroup
	for n := range cap(added) {
		all.Go(func() {
			added <- app.AddRoutes(adapter.Route{Path: "/plugin/" + string(rune('a'+n%10)), Do: teapot})
			app.Routes()
		})
	}
	all.Wait()
	close(added)
	refused := 0
	for err := range added {
		if err != nil {
			require.ErrorContains(t, err, "is taken by another route of the app")
			refused++
		}
	}
	require.Equal(t, 10, refused)
	require.Len(t, app.Routes(), 11)
	app.MountedAt("test", "/api/inngest")
}

// A broken route does not end the process. Its response is neither a success nor one of an SDK.
func TestRoutesThatBreak(t *testing.T) {
	t.Parallel()
	const noAnswer = "inngest: a route returned no response, or a status outside of 200 to 599"
	for name, c := range map[string]struct {
		do     func(context.Context, *adapter.Request) *adapter.Response
		logged string
	}{
		"panic":   {func(context.Context, *adapter.Request) *adapter.Response { panic("oh no") }, `inngest: request panicked`},
		"abort":   {func(context.Context, *adapter.Request) *adapter.Response { panic(http.ErrAbortHandler) }, "net/http: abort Handler"},
		"nil":     {func(context.Context, *adapter.Request) *adapter.Response { return nil }, noAnswer},
		"zero":    {func(context.Context, *adapter.Request) *adapter.Response { return &adapter.Response{} }, noAnswer},
		"interim": {withStatus(http.StatusSwitchingProtocols), noAnswer},
		"600":     {withStatus(600), noAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t)
			require.NoError(t, app.AddRoutes(adapter.Route{Path: "/plugin", Do: c.do}))
			resp := app.Routes()[1].Do(t.Context(), request(http.MethodGet, "", ""))
			require.Equal(t, http.StatusInternalServerError, resp.Status)
			require.NotNil(t, resp.Header)
			require.Empty(t, resp.Header, "no header of an SDK")
			require.Empty(t, resp.Body)
			require.Contains(t, l.String(), c.logged)
			require.Contains(t, l.String(), "method=GET path=/api/inngest")
			require.Equal(t, 1, strings.Count(l.String(), "level=ERROR"), l.String())
		})
	}
	for _, status := range []int{200, 599} {
		app, l := newApp(t)
		require.NoError(t, app.AddRoutes(adapter.Route{Path: "/plugin", Do: withStatus(status)}))
		require.Equal(t, status, app.Routes()[1].Do(t.Context(), request(http.MethodGet, "", "")).Status)
		require.Empty(t, l.String())
	}
}

func withStatus(status int) func(context.Context, *adapter.Request) *adapter.Response {
	return func(context.Context, *adapter.Request) *adapter.Response {
		return &adapter.Response{Status: status}
	}
}
