package inngestkit_test

import (
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// router stands in for one of a framework.
type router struct{ apps []*inngestkit.App }

func TestClaim(t *testing.T) {
	t.Parallel()
	shop, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true})
	require.NoError(t, err)
	jobs, err := inngestkit.New(inngestkit.Config{AppID: "jobs", Dev: true})
	require.NoError(t, err)
	one, another := &router{apps: []*inngestkit.App{shop, jobs}}, &router{}
	claim := func(app *inngestkit.App, r *router, path string) func() {
		return func() { inngestkit.Claim("x: Mount", app, r, path) }
	}
	claim(shop, one, "/a")()
	claim(shop, one, "/b")()
	claim(jobs, one, "/c")()
	claim(jobs, another, "/a")()
	require.PanicsWithValue(t, `x: Mount: app "shop" is mounted at /a already; mount it once on each router or group`, claim(shop, one, "/a"))
	require.PanicsWithValue(t, `x: Mount: app "jobs" cannot be mounted at /a: app "shop" is there, on the same router. `+
		"Give one of them another Config.Path (and another inngesthealth.WithPath), or mount it on a group of its own", claim(jobs, one, "/a"))
	runtime.KeepAlive(one)

	require.NotPanics(t, func() {
		for _, unknown := range []any{nil, (*router)(nil), router{}, &struct{}{}, http.HandlerFunc(http.NotFound)} {
			inngestkit.Claim("x: Mount", shop, unknown, "/a")
			inngestkit.Claim("x: Mount", jobs, unknown, "/a")
		}
	})
}

// Routers need not be on the heap, as http.DefaultServeMux is not.
func TestClaimOfAGlobal(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	inngestkit.Claim("x: Mount", app, http.DefaultServeMux, "/a/path/of/this/test")
	require.Panics(t, func() { inngestkit.Claim("x: Mount", app, http.DefaultServeMux, "/a/path/of/this/test") })
	runtime.KeepAlive(app)
}

// Neither routers nor apps live longer because they were mounted.
func TestClaimsKeepNothing(t *testing.T) {
	t.Parallel()
	collected := make(chan string, 2)
	func() {
		app, err := inngestkit.New(inngestkit.Config{AppID: "dropped", Dev: true})
		require.NoError(t, err)
		r := &router{apps: []*inngestkit.App{app}}
		inngestkit.Claim("x: Mount", app, r, "/a")
		runtime.AddCleanup(app, func(string) { collected <- "app" }, "")
		runtime.AddCleanup(r, func(string) { collected <- "router" }, "")
	}()
	for deadline := time.Now().Add(time.Minute); len(collected) < cap(collected); {
		require.True(t, time.Now().Before(deadline), "nothing is collected")
		runtime.GC()
		runtime.Gosched()
	}
}

func TestNothingToMount(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	const noApp = "x: Mount: the app is nil; was the error of inngestkit.New looked at?"
	const noRouter = `x: Mount: the router for app "app" is nil; make it first`
	require.Same(t, app, inngestkit.MustApp("x: Handler", app))
	require.NotPanics(t, func() { inngestkit.MustMount("x: Mount", &router{}, app) })
	require.PanicsWithValue(t, noApp, func() { inngestkit.MustApp("x: Mount", nil) })
	require.PanicsWithValue(t, noApp, func() { inngestkit.MustMount("x: Mount", nil, nil) })
	for _, r := range []any{nil, (*router)(nil), http.HandlerFunc(nil)} {
		require.PanicsWithValue(t, noRouter, func() { inngestkit.MustMount("x: Mount", r, app) })
	}
}
