package onfasthttp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// FuzzRequest sends bytes to fasthttp and to net/http. If both accept a request, the app
// gets the same one: otherwise a proxy in front could see another request than the app.
func FuzzRequest(f *testing.F) {
	for _, raw := range []string{
		"POST /api/inngest?fnId=a&x=%20 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nX-A: 1\r\nx-a: 2\r\n\r\n{}",
		"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: u\r\n\r\n",
		"PUT //a/../b HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://other/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%61 HTTP/1.0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\na",
		"POST / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\nContent-Length: +1\r\n\r\na", "POST / HTTP/1.1\nHost: h\nContent-Length: 1\n\na",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /?x HTTP/1.1\r\nHost: a b\r\n\r\n",
	} {
		f.Add([]byte(raw), false)
		f.Add([]byte(raw), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, stream bool) {
		got, ok := fastRequest(raw, stream)
		want, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if !ok || err != nil {
			return
		}
		body, err := io.ReadAll(want.Body)
		if err != nil || strings.Contains(want.RequestURI, "#") {
			return // a target has no fragment; fasthttp cuts it off, net/http keeps it in the path
		}
		require.Equal(t, string(body), got.body, "the body")
		require.Equal(t, want.Method, got.Method)
		if u, err := url.Parse("http://" + want.Host); err == nil && u.Host == want.Host && want.URL.Host == "" { // net/http's server refuses others
			require.Equal(t, want.URL.RawQuery, got.RawQuery)
		}
		for key, values := range want.Header {
			if key == "X-Inngest-Signature" {
				require.Equal(t, values, got.Header[key])
			}
		}
	})
}

// received is what the app gets from fasthttp.
type received struct {
	*adapter.Request

	body string
}

// fastRequest returns the first request in raw as Endpoint.Serve passes it on.
func fastRequest(raw []byte, stream bool) (received, bool) {
	var r fasthttp.RequestCtx
	in := bufio.NewReader(bytes.NewReader(raw))
	if stream {
		if r.Request.Header.Read(in) != nil || r.Request.ContinueReadBodyStream(in, 0) != nil {
			return received{}, false
		}
	} else if r.Request.Read(in) != nil {
		return received{}, false
	}
	var got received
	var failed error
	endpoint := Endpoint{Do: func(_ context.Context, req *adapter.Request) *adapter.Response {
		var body strings.Builder
		if req.Body != nil {
			_, failed = io.Copy(&body, req.Body)
		}
		got = received{req, body.String()}
		return &adapter.Response{Status: http.StatusOK}
	}}
	endpoint.Serve(context.Background(), &r, &fasthttp.Server{StreamRequestBody: stream})
	return got, failed == nil
}
