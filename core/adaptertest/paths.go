package adaptertest

import (
	"net/http"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// paths: the app is served at its path, and at that of Handler, and nowhere else.
func paths(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	for _, path := range []string{i.path, HandPath} {
		got := i.do(t, i.request(t, http.MethodPost, path+query, envelope(payload{ID: path})))
		got.returned(t, path)
		equal(t, "the framework at "+path, got.header[headerFramework], []string{a.Framework})
		// Clients may escape more of a query than necessary.
		got = i.do(t, i.request(t, http.MethodPost, path+"?stepId=step&fnId=%61pp%2Dfn", envelope(payload{ID: path})))
		got.returned(t, path)
		got = i.do(t, i.request(t, http.MethodDelete, path, nil))
		got.refused(t, http.StatusMethodNotAllowed)
	}
	for _, path := range []string{"/", "/api", i.path + "x", i.path + "/other", "/other" + i.path} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			got := i.do(t, i.request(t, method, path+query, nil))
			equal(t, "the status of "+method+" "+path, got.status, http.StatusNotFound)
			equal(t, "sent by the SDK: "+path, got.bySDK(), false)
		}
	}
}

// trailingSlash: a path with a trailing slash is served, redirected or not found. It
// never looks like success without being served, and no POST becomes a GET.
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
			equal(t, "sent by the SDK", got.bySDK(), true)
			if r.Method == http.MethodPut { // otherwise the server would see two apps
				i.announced(t, i.origin+i.path)
			}
		case SlashRedirected:
			i.redirected(t, r, got)
		case SlashNotFound:
			equal(t, "the status of "+r.Method, got.status, http.StatusNotFound)
			equal(t, "sent by the SDK", got.bySDK(), false)
		default:
			t.Fatalf("adaptertest: TrailingSlash is %d", a.TrailingSlash)
		}
	}
}

func (i *instance) redirected(tb testing.TB, r *http.Request, got response) {
	tb.Helper()
	keepsMethod := got.status == http.StatusTemporaryRedirect || got.status == http.StatusPermanentRedirect
	if r.Method != http.MethodGet && !keepsMethod || got.status/100 != 3 {
		tb.Fatalf("the response to %s with a trailing slash is %s, want a redirect that keeps the method", r.Method, got)
	}
	target, err := r.URL.Parse(got.header.Get("Location"))
	must(tb, "Location", err)
	equal(tb, "Location", target.Path, inngestkit.DefaultPath)
	equal(tb, "the query of Location", target.RawQuery, r.URL.RawQuery)
}
