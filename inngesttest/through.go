package inngesttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/adapter"
)

// callHeader is the request header by which ContextOf finds the context of a call.
const callHeader = "X-Inngesttest-Call"

const (
	contentType = "Content-Type"
	typeJSON    = "application/json"
)

// calls has the contexts of the requests that run in the process, by the value of callHeader.
var (
	calls    sync.Map
	lastCall atomic.Uint64
)

// ContextOf returns the context of a call by the value of its header X-Inngesttest-Call, and
// context.Background for any other value. Frameworks that are not built on net/http do not pass
// the context of a request on. With Fiber, this middleware does, in front of the adapter:
//
//	fiberApp.Use(func(c *fiber.Ctx) error {
//		c.SetUserContext(inngesttest.ContextOf(c.Get("X-Inngesttest-Call")))
//		return c.Next()
//	})
func ContextOf(call string) context.Context {
	if ctx, ok := calls.Load(call); ok {
		return ctx.(context.Context)
	}
	return context.Background()
}

// throughHandler returns a handler that calls an app through h, where it is mounted at path.
func throughHandler(h http.Handler, path string) adapter.Handler {
	return throughFunc(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}, path)
}

// throughFunc is throughHandler for a function that has a framework handle a request.
func throughFunc(do func(r *http.Request) (*http.Response, error), path string) adapter.Handler {
	return func(ctx context.Context, req *adapter.Request) *adapter.Response {
		call := strconv.FormatUint(lastCall.Add(1), 10)
		calls.Store(call, ctx)
		defer calls.Delete(call)
		resp, err := recovered(func() (*http.Response, error) { return do(httpRequest(ctx, req, path, call)) })
		if err != nil {
			return failed("the framework returned the error: " + err.Error())
		}
		if resp == nil {
			return failed("the framework returned neither a response nor an error")
		}
		defer resp.Body.Close() //nolint:errcheck // it is in memory
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return failed("the response of the framework cannot be read: " + err.Error())
		}
		return &adapter.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	}
}

// recovered calls f, and returns a panic of f as an error: servers of frameworks survive it.
func recovered[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

// httpRequest returns req as a server of net/http receives it.
func httpRequest(ctx context.Context, req *adapter.Request, path, call string) *http.Request {
	target := path
	if req.RawQuery != "" {
		target += "?" + req.RawQuery
	}
	var body io.Reader = http.NoBody
	if req.Body != nil {
		body = req.Body
	}
	r := httptest.NewRequestWithContext(ctx, req.Method, target, body)
	r.Header = req.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set(callHeader, call)
	r.Host = req.Host
	r.ContentLength = req.ContentLength
	return r
}

// failed returns the response of a framework that did not respond. It lacks the header of the
// SDK, like one of a proxy.
func failed(text string) *adapter.Response {
	return &adapter.Response{Status: http.StatusBadGateway, Header: http.Header{}, Body: []byte(text)}
}

// syncRequest returns a request for a sync that announces the app at url.
func syncRequest(kind, host, path string) *adapter.Request {
	body := fmt.Appendf(nil, `{"url":"http://%s%s"}`, host, path)
	return &adapter.Request{
		Method: http.MethodPut, Scheme: "http", Host: host, Path: path,
		Header:        http.Header{contentType: {typeJSON}, "X-Inngest-Sync-Kind": {kind}},
		Body:          bytes.NewReader(body),
		ContentLength: int64(len(body)),
	}
}
