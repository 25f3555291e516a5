package onfasthttp

import (
	"bytes"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// requestOf translates the request. It copies what functions may keep, because fasthttp
// reuses request memory.
func requestOf(r *fasthttp.RequestCtx, server *fasthttp.Server, framework string) *adapter.Request {
	req := &adapter.Request{
		Method:    string(r.Method()),
		Scheme:    "http",
		Host:      string(r.Host()),
		Path:      string(r.Path()),
		RawQuery:  string(r.URI().QueryString()),
		Header:    make(http.Header, r.Request.Header.Len()),
		Framework: framework,
	}
	if r.IsTLS() {
		req.Scheme = "https"
	}
	for key, value := range r.Request.Header.All() {
		req.Header.Add(string(key), string(value))
	}
	req.Header.Del(fasthttp.HeaderHost)
	if r.Request.IsBodyStream() {
		req.Body, req.ContentLength = r.RequestBodyStream(), int64(r.Request.Header.ContentLength())
	} else {
		body := r.Request.Body()
		req.Body, req.ContentLength = bytes.NewReader(body), int64(len(body))
		if !server.StreamRequestBody { // it disables the limit
			req.BodyLimit, req.Buffered = int64(server.MaxRequestBodySize), true
		}
	}
	return req
}

// write writes the response.
func write(r *fasthttp.RequestCtx, resp *adapter.Response) {
	for key, values := range resp.Header {
		for n, value := range values {
			if n == 0 {
				r.Response.Header.Set(key, value) // replaces a value set by middleware
			} else {
				r.Response.Header.Add(key, value)
			}
		}
	}
	r.Response.SetStatusCode(resp.Status)
	r.Response.SetBodyRaw(resp.Body)
}
