package adaptertest

import (
	"net/http"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// paths: the app is at its path, and by hand at another, and nowhere else.
func paths(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	for _, path := range []string{i.path, HandPath} {
		got := i.do(t, i.request(t, http.MethodPost, path+query, envelope(payload{ID: path})))
		got.returned(t, path)
		equal(t, "the framework at "+path, got.header[headerFramework], []string{a.Framework})
		// Names in a query may be escaped without need.
		got = i.do(t, i.request(t, http.MethodPost, path+"?stepId=step&fnId=%61pp%2Dfn", envelope(payload{ID: path})))
		got.returned(t, path)
		got = i.do(t, i.request(t, http.MethodDelete, path, nil))
		got.refused(t, http.StatusMethodNotAllowed)
	}
	for _, path := range []string{"/", "/api", i.path + "x", i.path + "/other", "/other" + i.path} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			got := i.do(t, i.request(t, method, path+query, nil))
			equal(t, "the status of "+method+" "+path, got.status, http.StatusNotFound)
			equal(t, "answered by the SDK: "+path, got.bySDK(), false)
		}
	}
}

// trailingSlash: a slash too many works or does not, but never looks like success
// and never turns a POST into a GET.
func trailingSlash(t *testing.T, a Adapter) {
	i := start(t, a, setup{config: inDevMode})
	path := i.path + "/"
	body := envelope(payload{ID: "a"})
	for _, r := range []*http.Request{
		i.request(t, http.MethodGet, path, nil),
		i.request(t, http.MethodPost, path+query, body),
		i.newSyncAt(t, path),
	} {
		r.Header.Set(headerSyncKind, "out_of_band")
		got := i.do(t, r)
		switch a.TrailingSlash {
		case SlashServed:
			equal(t, "the status of "+r.Method, got.status, http.StatusOK)
			equal(t, "answered by the SDK", got.bySDK(), true)
			if r.Method == http.MethodPut { // else there would be two apps for the server
				i.announced(t, i.origin+i.path)
			}
		case SlashRedirected:
			i.redirected(t, r, got)
		case SlashNotFound:
			equal(t, "the status of "+r.Method, got.status, http.StatusNotFound)
			equal(t, "answered by the SDK", got.bySDK(), false)
		default:
			t.Fatalf("adaptertest: TrailingSlash is %d", a.TrailingSlash)
		}
	}
}

func (i *instance) redirected(tb testing.TB, r *http.Request, got answer) {
	tb.Helper()
	keepsMethod := got.status == http.StatusTemporaryRedirect || got.status == http.StatusPermanentRedirect
	if r.Method != http.MethodGet && !keepsMethod || got.status/100 != 3 {
		tb.Fatalf("%s with a slash is answered with %s, want a redirect that keeps the method", r.Method, got)
	}
	target, err := r.URL.Parse(got.header.Get("Location"))
	must(tb, "Location", err)
	equal(tb, "Location", target.Path, inngestkit.DefaultPath)
	equal(tb, "the query of Location", target.RawQuery, r.URL.RawQuery)
}
