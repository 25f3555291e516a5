package adaptertest

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"sync/atomic"
	"testing"
)

// compressed: a client that takes gzip gets an answer it can read; and what is
// signed is the body as it was sent, so none is unpacked on the way.
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
	got, err := readAnswer(resp)
	must(t, "read the answer", err)
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
