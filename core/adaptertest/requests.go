package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// request: the app gets the request as it was sent.
func request(t *testing.T, a Adapter) {
	k := &keeper{}
	i := start(t, a, setup{middleware: k.middleware()})
	more := "&q=a%20b%2Fc&q=%C3%A9&q=+&empty="
	i.do(t, i.request(t, http.MethodPost, i.path+query+more, envelope(payload{ID: "a"}))).returned(t, "a")
	got := k.last(t)
	equal(t, "Method", got.Method, http.MethodPost)
	equal(t, "Scheme", got.Scheme, "http")
	equal(t, "Host", got.Host, i.addr)
	equal(t, "Path", got.Path, i.path)
	i.sameQuery(t, got.RawQuery, strings.TrimPrefix(query, "?")+more)
	equal(t, "Framework", got.Framework, a.Framework)
}

// sameQuery fails the test unless the app gets the query as it was sent.
func (i *instance) sameQuery(tb testing.TB, got, want string) {
	tb.Helper()
	if !i.adapter.RewritesQuery {
		equal(tb, "RawQuery", got, want)
		return
	}
	gotValues, err := url.ParseQuery(got)
	must(tb, "RawQuery", err)
	wantValues, err := url.ParseQuery(want)
	must(tb, "the query", err)
	equal(tb, "the parameters in RawQuery", gotValues, wantValues)
}

// sameHeader fails the test unless all values of a header have arrived, in order.
func (i *instance) sameHeader(tb testing.TB, key string, got, want []string) {
	tb.Helper()
	if i.adapter.JoinsHeaders && key != "Set-Cookie" && len(want) > 1 {
		equal(tb, "how often the header "+key+" is there", len(got), 1)
		got, want = listed(got), listed(want)
	}
	equal(tb, "the header "+key, got, want)
}

// listed returns the elements of headers that are lists.
func listed(values []string) []string {
	elements := strings.Split(strings.Join(values, ","), ",")
	for n := range elements {
		elements[n] = strings.TrimSpace(elements[n])
	}
	return elements
}

// requestHeaders: all headers arrive, under their canonical names, in order.
func requestHeaders(t *testing.T, a Adapter) {
	k := &keeper{}
	i := start(t, a, setup{middleware: k.middleware()})
	conn := i.dial(t)
	conn.send(t, i.rawCall(payload{ID: "a"},
		"x-lower-case: lower", "X-oDD-CaSe: odd", "x-many: 1", "X-Between: b", "X-Many: 2", "X-MANY: 3, 4",
		"x-inngest-sdk: js:v3.0.0", "User-Agent: inngest", "Accept: */*", "X-Empty:"))
	conn.response(t, http.MethodPost).returned(t, "a")
	header := k.last(t).Header
	for key, want := range map[string][]string{
		"X-Lower-Case":    {"lower"},
		"X-Odd-Case":      {"odd"},
		"X-Many":          {"1", "2", "3, 4"},
		"X-Between":       {"b"},
		"X-Empty":         {""},
		headerSDK:         {"js:v3.0.0"},
		"User-Agent":      {"inngest"},
		"Accept":          {"*/*"},
		headerContentType: {"application/json"},
		"Host":            nil,
	} {
		i.sameHeader(t, key, header[key], want)
	}
	for key := range header {
		equal(t, "the name of a header", key, http.CanonicalHeaderKey(key))
	}
}

// responseHeaders: the app's headers arrive unchanged, each once.
func responseHeaders(t *testing.T, a Adapter) {
	i := start(t, a, setup{function: failing})
	conn := i.dial(t)
	for _, c := range []struct {
		id         string
		status     int
		noRetry    []string
		retryAfter bool
	}{
		{"ok", http.StatusOK, nil, false},
		{fails, http.StatusInternalServerError, []string{"false"}, false},
		{"never again", http.StatusBadRequest, []string{"true"}, false},
		{"later", http.StatusInternalServerError, []string{"false"}, true},
	} {
		conn.send(t, i.rawCall(payload{ID: c.id}))
		got := conn.response(t, http.MethodPost)
		got.refused(t, c.status)
		equal(t, "Content-Type", got.header[headerContentType], []string{"application/json"})
		equal(t, "how often X-Inngest-Sdk is there", len(got.header[headerSDK]), 1)
		equal(t, "X-Inngest-Framework", got.header[headerFramework], []string{a.Framework})
		equal(t, "X-Inngest-Req-Version", got.header["X-Inngest-Req-Version"], []string{"2"})
		equal(t, "X-Inngest-No-Retry", got.header["X-Inngest-No-Retry"], c.noRetry)
		equal(t, "Retry-After is there once", len(got.header["Retry-After"]) == 1, c.retryAfter)
		equal(t, "Content-Length", got.header["Content-Length"], []string{strconv.Itoa(len(got.body))})
	}
}

// retainedRequests: a request that middleware has kept does not change when the
// framework reuses its memory.
func retainedRequests(t *testing.T, a Adapter) {
	k := &keeper{}
	i := start(t, a, setup{middleware: k.middleware()})
	conn := i.dial(t)
	for n := range 50 {
		id := fmt.Sprintf("%02d", n)
		body := envelope(payload{ID: id})
		target := fmt.Sprintf("%s%s&q=%s", i.path, query, id)
		if n%2 == 1 {
			target = fmt.Sprintf("%s%s&z=%s", HandPath, query, id)
		}
		conn.send(t, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: host-%s\r\nX-Number: %s\r\nX-Number-%s: n\r\n", target, id, id, id)+
			fmt.Sprintf("%s: %s\r\nContent-Length: %d\r\n\r\n%s", headerSignature, sign(body), len(body), body))
		conn.response(t, http.MethodPost).returned(t, id)
		conn.send(t, i.head(http.MethodGet, i.path, "X-Another: "+id))
		equal(t, "the status of a GET in between", conn.response(t, http.MethodGet).status, http.StatusOK)
	}
	k.unchanged(t)
}

// fails is the ID of events for which failing returns an error.
const fails = "fail"

// failing is a function that succeeds or fails in the way that the event's ID names.
func failing(_ context.Context, in input) (any, error) {
	err := errors.New("failed as asked")
	switch in.Event.Data.ID {
	case fails:
		return nil, err
	case "never again":
		return nil, inngestkit.NoRetry(err)
	case "later":
		return nil, inngestkit.RetryAfter(err, time.Minute)
	default:
		return in.Event.Data.ID, nil
	}
}

// methods: the app serves GET, HEAD, POST and PUT, and refuses all others itself.
func methods(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	i.call(t, payload{ID: "a"}).returned(t, "a")
	for _, r := range []*http.Request{i.request(t, http.MethodGet, i.path, nil), i.newSync(t)} {
		got := i.do(t, r)
		equal(t, "the status of "+r.Method, got.status, http.StatusOK)
		equal(t, "sent by the SDK", got.bySDK(), true)
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

// headHasNoBody fails the test unless the response to HEAD has no body: the next
// response on the connection has to follow its headers.
func (i *instance) headHasNoBody(tb testing.TB) {
	tb.Helper()
	conn := i.dial(tb)
	conn.send(tb, i.head(http.MethodHead, i.path))
	got := conn.response(tb, http.MethodHead)
	equal(tb, "the status of HEAD", got.status, http.StatusOK)
	equal(tb, "HEAD: sent by the SDK", got.bySDK(), true)
	conn.send(tb, i.head(http.MethodGet, i.path))
	got = conn.response(tb, http.MethodGet)
	equal(tb, "the status of GET after HEAD", got.status, http.StatusOK)
}
