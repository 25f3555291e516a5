package adapter_test

import (
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// fakeApp stands in for an *inngestkit.App.
type fakeApp struct{ id string }

func (a *fakeApp) ID() string { return a.id }

// router stands in for a framework's router.
type router struct{ apps []*fakeApp }

func TestClaim(t *testing.T) {
	t.Parallel()
	shop, jobs := &fakeApp{"shop"}, &fakeApp{"jobs"}
	one, another := &router{apps: []*fakeApp{shop, jobs}}, &router{}
	claim := func(app *fakeApp, r *router, path string) func() {
		return func() { adapter.Claim("x: Mount", app, r, path) }
	}
	claim(shop, one, "/a")()
	claim(shop, one, "/b")()
	claim(jobs, one, "/c")()
	claim(jobs, another, "/a")()
	require.PanicsWithValue(t, `x: Mount: app "shop" is mounted at /a already; mount it once on each router or group`, claim(shop, one, "/a"))
	require.PanicsWithValue(t, `x: Mount: app "jobs" cannot be mounted at /a: app "shop" is mounted there on the same router. `+
		"Give one of them another Config.Path (and another inngesthealth.WithPath), or mount it on a group of its own", claim(jobs, one, "/a"))
	runtime.KeepAlive(one)
	runtime.KeepAlive(another)

	require.NotPanics(t, func() {
		for _, unknown := range []any{nil, (*router)(nil), router{}, &struct{}{}, http.HandlerFunc(http.NotFound)} {
			adapter.Claim("x: Mount", shop, unknown, "/a")
			adapter.Claim("x: Mount", jobs, unknown, "/a")
		}
	})
}

// Two apps with one ID, which is a mistake of its own, are still two apps.
func TestClaimOfAppsWithTheSameID(t *testing.T) {
	t.Parallel()
	first, second := &fakeApp{"shop"}, &fakeApp{"shop"}
	r := &router{apps: []*fakeApp{first, second}}
	adapter.Claim("x: Mount", first, r, "/a")
	defer func() {
		require.Contains(t, recover(), `app "shop" cannot be mounted at /a: app "shop" is mounted there`)
	}()
	adapter.Claim("x: Mount", second, r, "/a")
}

// A router may be a global variable, such as http.DefaultServeMux, and not on the heap.
func TestClaimOfAGlobal(t *testing.T) {
	t.Parallel()
	app := &fakeApp{"app"}
	adapter.Claim("x: Mount", app, http.DefaultServeMux, "/a/path/of/this/test")
	require.Panics(t, func() { adapter.Claim("x: Mount", app, http.DefaultServeMux, "/a/path/of/this/test") })
	runtime.KeepAlive(app)
}

func TestClaimsKeepNothingAlive(t *testing.T) {
	t.Parallel()
	collected := make(chan string, 2)
	func() {
		app := &fakeApp{"dropped"}
		r := &router{apps: []*fakeApp{app}}
		adapter.Claim("x: Mount", app, r, "/a")
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
	app := &fakeApp{"app"}
	const noApp = "x: Mount: the app is nil; check the error that inngestkit.New returned"
	const noRouter = `x: Mount: the router for app "app" is nil; create it first`
	require.Same(t, app, adapter.MustApp("x: Handler", app))
	require.NotPanics(t, func() { adapter.MustMount("x: Mount", &router{}, app) })
	for _, noneAtAll := range []adapter.App{nil, (*fakeApp)(nil)} {
		require.PanicsWithValue(t, noApp, func() { adapter.MustApp("x: Mount", noneAtAll) })
		require.PanicsWithValue(t, noApp, func() { adapter.MustMount("x: Mount", nil, noneAtAll) })
	}
	for _, r := range []any{nil, (*router)(nil), http.HandlerFunc(nil)} {
		require.PanicsWithValue(t, noRouter, func() { adapter.MustMount("x: Mount", r, app) })
	}
}
