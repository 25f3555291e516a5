package adaptertest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// text returns n bytes of text in which no part repeats, at most those of the largest body
// that a case sends.
func text(n int) string { return longText()[:n] }

var longText = sync.OnceValue(func() string {
	const largest = inngestkit.DefaultMaxBodyBytes + 1
	var b strings.Builder
	b.Grow(largest + sha256.BlockSize)
	for line := 0; b.Len() < largest; line++ {
		sum := sha256.Sum256(fmt.Append(nil, line))
		b.WriteString(hex.EncodeToString(sum[:]))
	}
	return b.String()
})

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// passed returns the sizes of bodies that the platform passes on.
func (a Adapter) passed(sizes ...int) []int {
	return slices.DeleteFunc(sizes, func(size int) bool { return a.MaxBytes > 0 && size > a.MaxBytes })
}

// hashing returns a function that returns the hash of its event's text and counts its
// calls.
func hashing(calls *atomic.Int64) func(context.Context, input) (any, error) {
	return func(_ context.Context, in input) (any, error) {
		calls.Add(1)
		return hashOf(in.Event.Data.Text), nil
	}
}

// fittingText returns the text with which the body of a call has size bytes.
func fittingText(size int) string { return text(size - len(envelope(payload{Text: "x"})) + 1) }

// bodies: the function gets every byte.
func bodies(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	i.do(t, i.request(t, http.MethodPost, i.path+query, nil)).refused(t, http.StatusBadRequest)
	equal(t, "calls without a body", calls.Load(), 0)
	for _, size := range a.passed(1<<10, 64<<10, 1<<20, 4<<20, inngestkit.DefaultMaxBodyBytes) {
		data := payload{Text: fittingText(size)}
		equal(t, "the size of the body", len(envelope(data)), size)
		i.call(t, data).returned(t, hashOf(data.Text))
	}
}

// bodiesOverTheLimit: a body that is too large is refused, and the server keeps working.
func bodiesOverTheLimit(t *testing.T, a Adapter) {
	for _, limit := range []int{0, 1 << 10} {
		var calls atomic.Int64
		i := start(t, a, setup{
			function: hashing(&calls),
			config:   func(c *inngestkit.Config) { c.MaxBodyBytes = int64(limit) },
		})
		if limit == 0 {
			limit = inngestkit.DefaultMaxBodyBytes
		}
		if len(a.passed(limit+1)) == 0 {
			continue
		}
		// As many bytes as the default allows are in the case "bodies".
		fits := payload{Text: fittingText(min(limit, 1<<10))}
		i.call(t, fits).returned(t, hashOf(fits.Text))
		body := envelope(payload{Text: fittingText(limit + 1)})
		for _, head := range []string{
			i.callHead(body, fmt.Sprintf("Content-Length: %d", len(body))),
			i.callHead(body, "Transfer-Encoding: chunked"),
		} {
			i.overTheLimit(t, head, body)
		}
		equal(t, "calls", calls.Load(), 1)
		i.call(t, fits).returned(t, hashOf(fits.Text))
	}
}

// overTheLimit sends a body until it is refused; the server need not read all of it.
func (i *instance) overTheLimit(tb testing.TB, head string, body []byte) {
	tb.Helper()
	conn := i.dial(tb)
	if strings.Contains(head, "chunked") {
		body = chunked(body, 32<<10)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, head)
		_, _ = conn.Write(body)
	}()
	conn.response(tb, http.MethodPost).refused(tb, http.StatusRequestEntityTooLarge)
	_ = conn.Close()
	<-sent
}

// chunked returns a body in chunks of the size.
func chunked(body []byte, size int) []byte {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return []byte(b.String())
}

// responses: results of any size arrive complete.
func responses(t *testing.T, a Adapter) {
	const largest = 4 << 20 // what the server takes, in bytes of JSON
	whole := text(largest)
	i := start(t, a, setup{function: func(_ context.Context, in input) (any, error) {
		size, err := strconv.Atoi(in.Event.Data.ID)
		return whole[:size], err
	}})
	for _, size := range a.passed(0, 1, 1<<10, 64<<10, 1<<20, largest-len(`""`)) {
		i.call(t, payload{ID: strconv.Itoa(size)}).returned(t, whole[:size])
	}
}

// http10: a proxy that speaks HTTP/1.0 can detect a truncated response. HTTP/1.0 has no
// chunks, so only the length distinguishes the end from a broken connection.
func http10(t *testing.T, a Adapter) {
	whole := text(100 << 10)
	i := start(t, a, setup{function: func(context.Context, input) (any, error) { return whole, nil }})
	conn := i.dial(t)
	conn.send(t, strings.Replace(i.rawCall(payload{}), "HTTP/1.1", "HTTP/1.0", 1))
	got := conn.response(t, http.MethodPost)
	got.returned(t, whole)
	equal(t, "Content-Length", got.header["Content-Length"], []string{strconv.Itoa(len(got.body))})
}

// compressed: a client that accepts gzip gets a response it can read; and bodies are
// not decompressed, because the signature covers them as they were sent.
func compressed(t *testing.T, a Adapter) {
	var calls atomic.Int64
	i := start(t, a, setup{function: hashing(&calls)})
	data := payload{Text: text(10_000)}
	plain := envelope(data)

	unpacking := newClient()
	unpacking.Transport = &http.Transport{} // asks for gzip, and unpacks it
	defer unpacking.CloseIdleConnections()
	resp, err := unpacking.Do(i.newCall(t, data))
	must(t, "a call with Accept-Encoding", err)
	got, err := readResponse(resp)
	must(t, "read the response", err)
	got.returned(t, hashOf(data.Text))

	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(plain)
	must(t, "gzip", err)
	must(t, "gzip", w.Close())
	for _, c := range []struct {
		name   string
		signed []byte
		status int
	}{
		{"signed as sent", packed.Bytes(), http.StatusBadRequest}, // it is not JSON
		{"signed before packing", plain, http.StatusUnauthorized},
	} {
		r := i.request(t, http.MethodPost, i.path+query, packed.Bytes())
		r.Header.Set("Content-Encoding", "gzip")
		r.Header.Set(headerSignature, sign(c.signed))
		equal(t, "the status of a gzip body "+c.name, i.do(t, r).status, c.status)
	}
	equal(t, "calls", calls.Load(), 1)
}
