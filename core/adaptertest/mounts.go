package adaptertest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// otherID is the ID of the second app of a site.
const otherID = "other"

// root: an app can be mounted at the root of a router or group.
func root(t *testing.T, a Adapter) {
	sites := [][]string{nil}
	if a.KnowsGroups {
		sites = append(sites, []string{oneGroup}, []string{oneGroup, innerGroup})
	}
	for _, prefixes := range sites {
		i := start(t, a, setup{path: "/", groups: prefixes})
		i.call(t, payload{ID: "a"}).returned(t, "a")
		got := i.do(t, i.request(t, http.MethodPost, strings.TrimSuffix(i.path, "/")+"/other"+query, envelope(payload{})))
		equal(t, "the status beneath the root", got.status, http.StatusNotFound)
		equal(t, "the status of PUT", i.do(t, i.newSync(t)).status, http.StatusOK)
		i.announced(t, i.origin+i.path)
		i.stop(t)
	}
}

// otherApp returns a second app for a site, with a path and the routes of a plugin.
func otherApp(tb testing.TB, path string, routes ...adapter.Route) *inngestkit.App {
	tb.Helper()
	return newApp(tb, newAPI(tb, nil), setup{
		path: path, routes: routes, config: func(c *inngestkit.Config) { c.AppID = otherID },
	})
}

// secondPath is the path of a second app on the router of the first.
const secondPath = "/other/inngest"

// severalApps: two apps on one router are both served, or Mount panics with a message that
// says what to do. No app hides another.
func severalApps(t *testing.T, a Adapter) {
	other := otherApp(t, secondPath)
	i := start(t, a, setup{others: func(*inngestkit.App) []*inngestkit.App { return []*inngestkit.App{other} }})
	i.call(t, payload{ID: "a"}).returned(t, "a")
	target := secondPath + strings.Replace(query, appID, otherID, 1)
	i.do(t, i.request(t, http.MethodPost, target, envelope(payload{ID: "b"}))).returned(t, "b")

	takenPaths(t, a, nil)
	if a.KnowsGroups {
		takenPaths(t, a, []string{oneGroup})
	}
}

// takenPaths fails the test unless Mount panics for apps whose path is taken.
func takenPaths(t *testing.T, a Adapter, groups []string) {
	t.Helper()
	prefix := strings.Join(groups, "")
	for name, tc := range map[string]struct {
		other func(app *inngestkit.App) *inngestkit.App
		words []string
	}{
		"the same app": {func(app *inngestkit.App) *inngestkit.App { return app }, []string{"is mounted at", "already"}},
		"the same path": {
			func(*inngestkit.App) *inngestkit.App { return otherApp(t, "") },
			[]string{otherID, prefix + inngestkit.DefaultPath, "Config.Path"},
		},
		"the same path of a plugin": {
			func(*inngestkit.App) *inngestkit.App { return otherApp(t, secondPath, (&plugin{}).routes()...) },
			[]string{otherID, prefix + pluginPaths[0], "inngesthealth.WithPath"},
		},
	} {
		said := refusedSite(t, a, setup{
			groups: groups, routes: (&plugin{}).routes(),
			others: func(app *inngestkit.App) []*inngestkit.App { return []*inngestkit.App{tc.other(app)} },
		})
		for _, word := range append(tc.words, strconv.Quote(appID)) {
			if !strings.Contains(said, word) {
				t.Fatalf("%s below %q: Mount has panicked with %q, which does not contain %q", name, prefix, said, word)
			}
		}
	}
}

// refusedSite returns the text of New's panic, "" if it does not panic.
func refusedSite(tb testing.TB, a Adapter, s setup) (said string) {
	tb.Helper()
	s.failed = func(error) {}
	site := s.site(newApp(tb, newAPI(tb, nil), s))
	defer func() {
		if r := recover(); r != nil {
			said = fmt.Sprint(r)
		}
	}()
	a.New(tb, site)
	return ""
}
