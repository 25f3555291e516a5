package adaptertest

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// chunkedBodies: a body need not have its length in front.
func chunkedBodies(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	for _, size := range []int{1 << 10, 1 << 20, 4 << 20} {
		data := payload{Text: fittingText(size)}
		r := i.newCall(t, data)
		r.ContentLength = -1
		r.Body = struct{ io.ReadCloser }{r.Body} // so that nobody learns its length
		i.do(t, r).returned(t, hashOf(data.Text))

		body := envelope(data)
		conn := i.dial(t)
		conn.send(t, i.callHead(body, "Transfer-Encoding: chunked")+string(chunked(body, 1000)))
		conn.answer(t, http.MethodPost).returned(t, hashOf(data.Text))
	}
	empty := i.request(t, http.MethodPost, i.path+query, nil)
	conn := i.dial(t)
	conn.send(t, i.head(http.MethodPost, i.path+query, headerSignature+": "+empty.Header.Get(headerSignature),
		"Transfer-Encoding: chunked")+"0\r\n\r\n")
	conn.answer(t, http.MethodPost).refused(t, http.StatusBadRequest)
}

// slowBodies: a body may come drop by drop.
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
			conn.answer(t, http.MethodPost).returned(t, hashOf(data.Text))
		})
	}
}

// bodiesCutOff: a body that ends too early is no call, whatever was there of it.
func bodiesCutOff(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	body := envelope(payload{Text: text(100)}) // complete, as far as its signature goes
	long := fmt.Sprintf("Content-Length: %d", len(body)+1)
	endless := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	// Where all is there but the last chunk, fasthttp may not notice; the signature
	// shows that nothing is missing.
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
		if got, err := conn.tryAnswer(http.MethodPost); err == nil && got.succeeded() {
			t.Fatalf("%s: a call that was cut off is answered with %s", name, got)
		}
		conn = i.dial(t)
		conn.send(t, request)
		conn.reset(t)
		i.works(t)
	}
	i.stop(t) // nothing runs any more
	equal(t, "calls", calls.Load(), 0)
}

// expectContinue: a client that asks first is told to go on.
func expectContinue(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	data := payload{Text: text(1000)}
	body := envelope(data)
	conn := i.dial(t)
	conn.send(t, i.callHead(body, "Expect: 100-continue", fmt.Sprintf("Content-Length: %d", len(body))))
	line, err := conn.reader.ReadString('\n')
	must(t, "read", err)
	equal(t, "the interim answer", line, "HTTP/1.1 100 Continue\r\n")
	line, err = conn.reader.ReadString('\n')
	must(t, "read", err)
	equal(t, "the line after the interim answer", line, "\r\n")
	conn.send(t, string(body))
	conn.answer(t, http.MethodPost).returned(t, hashOf(data.Text))
}
