package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// strangers: requests without a valid signature are refused, and no part of their body
// is treated as a request.
func strangers(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	for _, signature := range []string{
		"X-Other: x",
		headerSignature + ": t=1",
		fmt.Sprintf("%s: t=1&s=%s", headerSignature, strings.Repeat("0", 64)),
	} {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			length := fmt.Sprintf("Content-Length: %d", inngestkit.DefaultMaxBodyBytes)
			i.refusesUnread(t, i.head(method, i.path+query, signature, length))
			i.refusesHidden(t, method, signature)
		}
	}
	i.works(t)
}

// refusesUnread fails the test unless a request is refused by its head alone, before its
// body has been sent.
func (i *instance) refusesUnread(tb testing.TB, head string) {
	tb.Helper()
	if !i.adapter.StreamsBodies {
		return
	}
	conn := i.dial(tb)
	conn.send(tb, head+strings.Repeat(" ", i.adapter.ReadsAhead))
	equal(tb, "the status", conn.response(tb, http.MethodPost).status, http.StatusUnauthorized)
}

// refusesHidden sends a body that consists of requests, and then a call. The server must
// not respond to the former: behind a proxy, other clients would get those responses.
func (i *instance) refusesHidden(tb testing.TB, method, signature string) {
	tb.Helper()
	hidden := strings.Repeat(i.head(http.MethodGet, i.path), 1<<10)
	for _, body := range []string{hidden, strings.Repeat(hidden, 8)} {
		conn := i.dial(tb)
		head := i.head(method, i.path+query, signature, fmt.Sprintf("Content-Length: %d", len(body)))
		call := i.rawCall(payload{ID: "behind"})
		go func() { _, _ = conn.Write([]byte(head + body + call)) }() // the server may hang up on it
		got, err := conn.tryResponse(method)
		if err != nil {
			continue // it has hung up
		}
		equal(tb, "the status", got.status, http.StatusUnauthorized)
		if got, err = conn.tryResponse(http.MethodPost); err == nil {
			got.returned(tb, "behind")
		}
	}
}
