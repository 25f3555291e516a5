package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// framing: a request whose end is in doubt is refused and its connection closed: a
// proxy in front may see another end, and what comes behind it would pass for a
// request of somebody else.
func framing(t *testing.T, a Adapter) {
	var called atomic.Int64
	i := start(t, a, setup{function: func(context.Context, input) (any, error) {
		called.Add(1)
		return "a", nil
	}})
	body := envelope(payload{ID: "a"})
	length := fmt.Sprintf("Content-Length: %d", len(body))
	inChunks := string(chunked(body, len(body)))
	const transferEncoding = "Transfer-Encoding: "
	for name, call := range map[string]string{
		"two lengths, the right one last":  i.callHead(body, "Content-Length: 1", length) + string(body),
		"two lengths, the right one first": i.callHead(body, length, "Content-Length: 1") + string(body),
		"two lengths in one":               i.callHead(body, length+", 1") + string(body),
		"a length with a sign":             i.callHead(body, fmt.Sprintf("Content-Length: +%d", len(body))) + string(body),
		"an unknown coding":                i.callHead(body, transferEncoding+"xchunked") + inChunks,
		"an unknown coding and chunked":    i.callHead(body, transferEncoding+"identity, chunked") + inChunks,
		"chunked twice":                    i.callHead(body, transferEncoding+"chunked", transferEncoding+"chunked") + inChunks,
	} {
		conn := i.dial(t)
		conn.send(t, call)
		if got, err := conn.tryAnswer(http.MethodPost); err == nil {
			equal(t, name+": the status is one for errors", got.status >= http.StatusBadRequest, true)
		}
		if got, err := conn.tryAnswer(http.MethodPost); err == nil {
			t.Fatalf("%s: the connection goes on, with %s", name, got)
		}
		equal(t, name+": calls of the function", called.Load(), int64(0))
	}
	i.works(t)
}
