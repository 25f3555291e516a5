package adaptertest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// request: the app sees the request as it was sent.
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
	equal(t, "RawQuery", got.RawQuery, strings.TrimPrefix(query, "?")+more)
	equal(t, "Framework", got.Framework, a.Framework)
}

// requestHeaders: all headers arrive, under their canonical names, in order.
func requestHeaders(t *testing.T, a Adapter) {
	k := &keeper{}
	i := start(t, a, setup{middleware: k.middleware()})
	conn := i.dial(t)
	conn.send(t, i.rawCall(payload{ID: "a"},
		"x-lower-case: lower", "X-oDD-CaSe: odd", "x-many: 1", "X-Between: b", "X-Many: 2", "X-MANY: 3, 4",
		"x-inngest-sdk: js:v3.0.0", "User-Agent: inngest", "Accept: */*", "X-Empty:"))
	conn.answer(t, http.MethodPost).returned(t, "a")
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
		equal(t, "header "+key, header[key], want)
	}
	for key := range header {
		equal(t, "the name of a header", key, http.CanonicalHeaderKey(key))
	}
}

// answerHeaders: the app's headers arrive as they are, each once.
func answerHeaders(t *testing.T, a Adapter) {
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
		got := conn.answer(t, http.MethodPost)
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

// retainedRequests: what middleware keeps of a request does not change when the
// framework uses the memory of the request again.
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
		conn.answer(t, http.MethodPost).returned(t, id)
		conn.send(t, i.head(http.MethodGet, i.path, "X-Another: "+id))
		equal(t, "the status of a GET in between", conn.answer(t, http.MethodGet).status, http.StatusOK)
	}
	k.unchanged(t)
}
