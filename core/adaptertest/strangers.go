package adaptertest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// strangers: what has no good signature is refused, and nothing of its body becomes
// anything else.
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

// refusesUnread sends the head of a request and nothing of the body that it
// announces.
func (i *instance) refusesUnread(tb testing.TB, head string) {
	tb.Helper()
	if !i.adapter.StreamsBodies {
		return
	}
	conn := i.dial(tb)
	conn.send(tb, head+strings.Repeat(" ", i.adapter.ReadsAhead))
	equal(tb, "the status", conn.answer(tb, http.MethodPost).status, http.StatusUnauthorized)
}

// refusesHidden sends a body that has the form of requests, and a call behind it.
// What is in the body must not be answered: behind a proxy, others would get that.
func (i *instance) refusesHidden(tb testing.TB, method, signature string) {
	tb.Helper()
	hidden := strings.Repeat(i.head(http.MethodGet, i.path), 1<<10)
	for _, body := range []string{hidden, strings.Repeat(hidden, 8)} {
		conn := i.dial(tb)
		head := i.head(method, i.path+query, signature, fmt.Sprintf("Content-Length: %d", len(body)))
		call := i.rawCall(payload{ID: "behind"})
		go func() { _, _ = conn.Write([]byte(head + body + call)) }() // the server may hang up on it
		got, err := conn.tryAnswer(method)
		if err != nil {
			continue // it has hung up
		}
		equal(tb, "the status", got.status, http.StatusUnauthorized)
		if got, err = conn.tryAnswer(http.MethodPost); err == nil {
			got.returned(tb, "behind")
		}
	}
}
