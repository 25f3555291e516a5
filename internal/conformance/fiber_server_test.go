package conformance

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// dial opens a connection and sends the beginning of a request.
func dial(t *testing.T, addr, sent string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(sent))
	require.NoError(t, err)
	return conn
}

// oneFunction mounts an app with one function at /v1/api/inngest.
func oneFunction(t *testing.T, f fiberApp, log *testsite.Log) *inngestkit.App {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: "app", Dev: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp,
		func(context.Context, input) (string, error) { return "done", nil })))
	f.mount("/v1", app)
	return app
}

// Silent connections do not block a shutdown if ReadTimeout is set, as the documentation
// recommends. Without it, connections that have sent nothing do not block it either, but
// fasthttp takes about five seconds to close them.
func TestShutdownWithSilentConnections(t *testing.T) {
	t.Parallel()
	const head = "POST /v1/api/inngest?fnId=app-fn HTTP/1.1\r\nHost: h\r\n"
	eachFiber(t, func(t *testing.T, version fiberVersion) {
		for name, tc := range map[string]struct {
			readTimeout time.Duration
			sent        []string
		}{
			"with ReadTimeout":    {500 * time.Millisecond, []string{"", head, head + "Content-Length: 1000\r\n\r\n{"}},
			"without ReadTimeout": {0, []string{"", "", ""}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := version.new(fiberConfig{streams: true, readTimeout: tc.readTimeout})
				app := oneFunction(t, f, &testsite.Log{})
				listener := testsite.Listen(t, "")
				shutdown := testsite.Serve(t, f, listener)
				for _, sent := range tc.sent {
					dial(t, listener.Addr().String(), sent)
				}
				testsite.Eventually(t, time.Millisecond, func() bool {
					return f.Server().GetOpenConnectionsCount() == int32(len(tc.sent))
				})
				require.NoError(t, app.Shutdown(testsite.Within(t)))
				shutdown()
			})
		}
	})
}

// With StreamRequestBody, a Content-Length alone does not allocate memory for a body. The
// test measures memory, so it does not run in parallel with others.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) {
	for _, version := range fiberVersions {
		t.Run(version.name, func(t *testing.T) {
			const clients, some = 50, 10 << 10
			f := version.new(fiberConfig{streams: true})
			var arrived atomic.Int64
			f.use(func(c fiberCtx) error {
				arrived.Add(1)
				return c.Next()
			})
			oneFunction(t, f, &testsite.Log{})
			listener := testsite.Listen(t, "")
			testsite.Serve(t, f, listener)
			before := heap()
			for range clients {
				dial(t, listener.Addr().String(), fmt.Sprintf("POST /v1/api/inngest?fnId=app-fn HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s",
					inngestkit.DefaultMaxBodyBytes, strings.Repeat("{", some)))
			}
			testsite.Eventually(t, time.Millisecond, func() bool { return arrived.Load() == clients })
			require.Less(t, heap()-before, int64(clients*inngestkit.DefaultMaxBodyBytes/10))
		})
	}
}

// heap returns the size of the live heap in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Fiber does not enforce BodyLimit while streaming, so other routes need the middleware in
// docs/adapters.md, and the app does not ask for a higher limit.
func TestBodyLimitWhileStreaming(t *testing.T) {
	t.Parallel()
	eachFiber(t, bodyLimitWhileStreaming)
}

func bodyLimitWhileStreaming(t *testing.T, version fiberVersion) {
	t.Helper()
	const limit = 1 << 20
	f := version.new(fiberConfig{streams: true, bodyLimit: limit})
	size := func(c fiberCtx) error { return c.SendString(strconv.Itoa(len(c.Body()))) }
	f.post("/unlimited", size)
	var log testsite.Log
	oneFunction(t, f, &log)
	f.use(func(c fiberCtx) error {
		if n := c.Request().Header.ContentLength(); n > limit || n == -1 {
			return c.SendStatus(http.StatusRequestEntityTooLarge)
		}
		return c.Next()
	})
	f.post("/limited", size)
	listener := testsite.Listen(t, "")
	testsite.Serve(t, f, listener)
	client := testsite.NewClient(t)
	small := callBodyFor("run", "u1", 1)
	large := small + strings.Repeat(" ", limit)
	alive(t, client, "http://"+listener.Addr().String()+"/v1/api/inngest") // without a body to stream
	for _, tc := range []struct {
		target, body string
		status       int
	}{
		{"/v1/api/inngest?fnId=app-fn", small, http.StatusOK},
		{"/v1/api/inngest?fnId=app-fn", large, http.StatusOK},
		{"/unlimited", large, http.StatusOK},
		{"/limited", small, http.StatusOK},
	} {
		status, answer, err := testsite.Request(testsite.Within(t), client, http.MethodPost, "http://"+listener.Addr().String()+tc.target, tc.body, nil)
		require.NoError(t, err)
		require.Equal(t, tc.status, status, tc.target+answer)
	}
	require.NotContains(t, log.String(), "BodyLimit")

	// Fiber responds before it has read the body, and closes the connection. A client that
	// still sends the body may lose the response, so this one sends only what fasthttp reads
	// before it calls a handler.
	for _, head := range []string{
		fmt.Sprintf("Content-Length: %d\r\n\r\n", limit+1) + strings.Repeat("a", 8<<10),
		"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", // without a known total
	} {
		conn := dial(t, listener.Addr().String(), "POST /limited HTTP/1.1\r\nHost: h\r\n"+head)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(testsite.Timeout)))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, head)
		require.NoError(t, conn.Close())
	}
}
