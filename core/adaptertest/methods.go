package adaptertest

import (
	"net/http"
	"testing"
)

// methods: the app answers GET, HEAD, POST and PUT, and refuses all others itself.
func methods(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	i.call(t, payload{ID: "a"}).returned(t, "a")
	for _, r := range []*http.Request{i.request(t, http.MethodGet, i.path, nil), i.newSync(t)} {
		got := i.do(t, r)
		equal(t, "the status of "+r.Method, got.status, http.StatusOK)
		equal(t, "answered by the SDK", got.bySDK(), true)
		equal(t, "the body is there", got.body != "", true)
	}
	for _, method := range []string{http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace} {
		i.notAllowed(t, method)
	}
	for _, method := range []string{"PROPFIND", "BREW"} {
		if a.AnyMethod {
			i.notAllowed(t, method)
		}
		got := i.do(t, i.request(t, method, i.path, nil))
		equal(t, "success for "+method, got.succeeded(), false)
	}
	i.headHasNoBody(t)
	i.works(t)
}

func (i *instance) notAllowed(tb testing.TB, method string) {
	tb.Helper()
	got := i.do(tb, i.request(tb, method, i.path, nil))
	got.refused(tb, http.StatusMethodNotAllowed)
	equal(tb, "Allow for "+method, got.header.Get("Allow"), "GET, HEAD, POST, PUT")
}

// headHasNoBody makes sure that the answer to HEAD has no body: the next answer on the
// connection comes right behind its headers.
func (i *instance) headHasNoBody(tb testing.TB) {
	tb.Helper()
	conn := i.dial(tb)
	conn.send(tb, i.head(http.MethodHead, i.path))
	got := conn.answer(tb, http.MethodHead)
	equal(tb, "the status of HEAD", got.status, http.StatusOK)
	equal(tb, "HEAD answered by the SDK", got.bySDK(), true)
	conn.send(tb, i.head(http.MethodGet, i.path))
	got = conn.answer(tb, http.MethodGet)
	equal(tb, "the status of GET after HEAD", got.status, http.StatusOK)
}
