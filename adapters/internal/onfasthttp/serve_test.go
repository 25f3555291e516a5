package onfasthttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func newApp(t *testing.T, config inngestkit.Config, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	config.AppID, config.Dev, config.Logger = "app", true, slog.New(slog.DiscardHandler)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", inngestkit.DefineEvent[any]("user/signed-up"),
		func(ctx context.Context, _ inngestkit.Input[any]) (any, error) { return handler(ctx) })))
	return app
}

// serve serves an app at /api/inngest. The function it returns shuts the server down
// earlier than the end of the test.
func serve(t *testing.T, s *server, app *inngestkit.App) (addr string, shutdown func()) {
	t.Helper()
	s.mount("", app)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	stopped := false
	shutdown = func() {
		if stopped {
			return
		}
		stopped = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-served)
	}
	t.Cleanup(shutdown)
	return listener.Addr().String(), shutdown
}

// request sends a request on a connection of its own.
func request(t *testing.T, method, url string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(call))
	require.NoError(t, err)
	req.Close = true
	resp, err := new(http.Transport).RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(text)
}

// Bytes in user values often point to request memory, which fasthttp reuses.
func TestBytesInUserValues(t *testing.T) {
	t.Parallel()
	kept := make(chan any, 3)
	s := &server{before: func(r *fasthttp.RequestCtx) context.Context {
		r.SetUserValue("query", r.URI().QueryString())
		return context.Background()
	}}
	addr, _ := serve(t, s, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept <- ctx.Value("query")
		return nil, nil
	}))
	for range cap(kept) {
		status, _, _ := request(t, http.MethodPost, fmt.Sprintf("http://%s/api/inngest?fnId=app-fn&n=%d", addr, len(kept)))
		require.Equal(t, http.StatusOK, status)
	}
	for n := range cap(kept) {
		require.Equal(t, fmt.Appendf(nil, "fnId=app-fn&n=%d", n), <-kept)
	}
}

// A context that derives from a RequestCtx, which outlives its request, ends with the
// call, and has no values of later requests. The test reads it during later requests,
// when the RequestCtx belongs to them.
func TestContextDerivedFromTheRequest(t *testing.T) {
	t.Parallel()
	type key struct{}
	var kept []context.Context
	s := &server{before: func(r *fasthttp.RequestCtx) context.Context {
		if later := r.QueryArgs().Peek("later"); later != nil {
			r.SetUserValue("later", string(later))
		}
		return context.WithValue(r, key{}, string(r.Method()))
	}}
	addr, shutdown := serve(t, s, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept = append(kept, ctx)
		return []any{ctx.Value(key{}), kept[0].Value("later")}, nil
	}))
	for _, query := range []string{"", "&later=1", "&later=2"} {
		status, _, body := request(t, http.MethodPost, "http://"+addr+"/api/inngest?fnId=app-fn"+query)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `["POST",null]`, body)
	}
	shutdown()
	require.Error(t, kept[0].Err())
	require.Nil(t, kept[0].Value(key{}))
	require.Equal(t, "1", kept[1].Value("later"))
}

// A call continues when the server's shutdown begins, although the RequestCtx ends then.
func TestShutdownWithContextDerivedFromTheRequest(t *testing.T) {
	t.Parallel()
	ofRequest := make(chan (<-chan struct{}), 1)
	s := &server{before: func(r *fasthttp.RequestCtx) context.Context {
		ofRequest <- r.Done()
		return r
	}}
	started := make(chan struct{})
	addr, shutdown := serve(t, s, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		done := <-ofRequest
		close(started)
		<-done
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond): // no event shows that a context does not end
			return "hello", nil
		}
	}))
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Post("http://"+addr+"/api/inngest?fnId=app-fn", "application/json", strings.NewReader(call))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answered <- string(b)
	}()
	<-started
	shutdown()
	require.Equal(t, `"hello"`, <-answered)
}

// brokenContext panics in Value.
type brokenContext struct{ context.Context }

func (brokenContext) Value(any) any { panic("no values") }

// fasthttp does not recover panics, so a panic of a context set by middleware would end
// the process.
func TestContextThatPanics(t *testing.T) {
	t.Parallel()
	s := &server{before: func(*fasthttp.RequestCtx) context.Context { return brokenContext{context.Background()} }}
	addr, _ := serve(t, s, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		return []any{ctx.Value("key"), "hello"}, nil
	}))
	status, _, body := request(t, http.MethodPost, "http://"+addr+"/api/inngest?fnId=app-fn")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `[null,"hello"]`, body)
}

// A streamed body is read only up to the app's limit.
func TestStreamedBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	s := &server{Server: fasthttp.Server{StreamRequestBody: true}}
	addr, _ := serve(t, s, newApp(t, inngestkit.Config{MaxBodyBytes: 1 << 10}, nil))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	const more = 2 << 10 // the end of the body never arrives
	_, err = fmt.Fprintf(conn, "POST /api/inngest HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n",
		more, strings.Repeat("a", more))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.NoError(t, conn.Close())
}

// A header that middleware has already set is not duplicated.
func TestHeaderSetByMiddleware(t *testing.T) {
	t.Parallel()
	s := &server{before: func(r *fasthttp.RequestCtx) context.Context {
		r.Response.Header.Set("X-Inngest-No-Retry", "true")
		return context.Background()
	}}
	addr, _ := serve(t, s, newApp(t, inngestkit.Config{}, nil))
	_, header, _ := request(t, http.MethodDelete, "http://"+addr+"/api/inngest")
	require.Len(t, header["X-Inngest-No-Retry"], 1)
}

// No value of a header with several values can start another header. fasthttp sees to that.
func TestHeaderValuesHaveOneLine(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, nil)
	require.NoError(t, app.AddRoutes(adapter.Route{Path: "/plugin", Do: func(context.Context, *adapter.Request) *adapter.Response {
		return &adapter.Response{Status: http.StatusOK, Header: http.Header{"X-Many": {"1\r\nX-Evil: 1", "2\r\nX-Evil: 2"}}}
	}}))
	addr, _ := serve(t, new(server), app)
	status, header, _ := request(t, http.MethodGet, "http://"+addr+"/plugin")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, header["X-Many"], 2)
	require.NotContains(t, header, "X-Evil")
}
