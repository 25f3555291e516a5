package adaptertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// chunkedBodies: a body need not announce its length.
func chunkedBodies(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	for _, size := range a.passed(1<<10, 1<<20, 4<<20) {
		data := payload{Text: fittingText(size)}
		r := i.newCall(t, data)
		r.ContentLength = -1
		r.Body = struct{ io.ReadCloser }{r.Body} // hides its length
		i.do(t, r).returned(t, hashOf(data.Text))
	}
	for _, size := range a.passed(1<<10, 1<<20) {
		data := payload{Text: fittingText(size)}
		body := envelope(data)
		conn := i.dial(t)
		conn.send(t, i.callHead(body, "Transfer-Encoding: chunked")+string(chunked(body, 1000)))
		conn.response(t, http.MethodPost).returned(t, hashOf(data.Text))
	}
	empty := i.request(t, http.MethodPost, i.path+query, nil)
	conn := i.dial(t)
	conn.send(t, i.head(http.MethodPost, i.path+query, headerSignature+": "+empty.Header.Get(headerSignature),
		"Transfer-Encoding: chunked")+"0\r\n\r\n")
	conn.response(t, http.MethodPost).refused(t, http.StatusBadRequest)
}

// slowBodies: a body may arrive a few bytes at a time.
func slowBodies(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	data := payload{Text: text(100)}
	body := envelope(data)
	for name, whole := range map[string]string{
		"Content-Length":    i.callHead(body, fmt.Sprintf("Content-Length: %d", len(body))) + string(body),
		"Transfer-Encoding": i.callHead(body, "Transfer-Encoding: chunked") + string(chunked(body, 7)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := i.dial(t)
			drip := time.NewTicker(time.Millisecond)
			defer drip.Stop()
			for ; whole != ""; whole = whole[min(3, len(whole)):] {
				conn.send(t, whole[:min(3, len(whole))])
				<-drip.C
			}
			conn.response(t, http.MethodPost).returned(t, hashOf(data.Text))
		})
	}
}

// bodiesCutOff: a body that ends early never becomes a call, however much of it arrived.
func bodiesCutOff(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	body := envelope(payload{Text: text(100)}) // complete, as far as its signature goes
	long := fmt.Sprintf("Content-Length: %d", len(body)+1)
	endless := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	// If only the last, empty chunk is missing, fasthttp may not notice; then the signature
	// proves that the body is complete.
	half := fmt.Sprintf("%x\r\n%s\r\n", len(body)/2, body[:len(body)/2])
	for name, request := range map[string]string{
		"in the headers":     i.callHead(body, long)[:50],
		"before the body":    i.callHead(body, long),
		"in the body":        i.callHead(body, long) + string(body[:50]),
		"one byte missing":   i.callHead(body, long) + string(body),
		"in a chunk":         i.callHead(body, "Transfer-Encoding: chunked") + endless[:50],
		"no last chunk":      i.callHead(body, "Transfer-Encoding: chunked") + half,
		"no size of a chunk": i.callHead(body, "Transfer-Encoding: chunked") + endless + "zz\r\n",
	} {
		conn := i.dial(t)
		conn.send(t, request)
		conn.halfClose(t)
		if got, err := conn.tryResponse(http.MethodPost); err == nil && got.succeeded() {
			t.Fatalf("%s: the response to a truncated call is %s", name, got)
		}
		conn = i.dial(t)
		conn.send(t, request)
		conn.reset(t)
		i.works(t)
	}
	i.stop(t) // waits for all calls
	equal(t, "calls", calls.Load(), 0)
}

// expectContinue: a client that sends Expect: 100-continue is told to continue.
func expectContinue(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	data := payload{Text: text(1000)}
	body := envelope(data)
	conn := i.dial(t)
	conn.send(t, i.callHead(body, "Expect: 100-continue", fmt.Sprintf("Content-Length: %d", len(body))))
	line, err := conn.reader.ReadString('\n')
	must(t, "read", err)
	equal(t, "the interim response", line, "HTTP/1.1 100 Continue\r\n")
	line, err = conn.reader.ReadString('\n')
	must(t, "read", err)
	equal(t, "the line after the interim response", line, "\r\n")
	conn.send(t, string(body))
	conn.response(t, http.MethodPost).returned(t, hashOf(data.Text))
}

// framing: a request with an ambiguous end is refused and its connection closed. A proxy
// in front may see a different end and treat the rest as a request of another client.
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
		if got, err := conn.tryResponse(http.MethodPost); err == nil {
			equal(t, name+": the status is one for errors", got.status >= http.StatusBadRequest, true)
		}
		if got, err := conn.tryResponse(http.MethodPost); err == nil {
			t.Fatalf("%s: the connection goes on, with %s", name, got)
		}
		equal(t, name+": calls of the function", called.Load(), int64(0))
	}
	i.works(t)
}
