package inngestfiber_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
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

// Silent connections do not block a shutdown if ReadTimeout is set, as the documentation
// recommends. Without it, connections that have sent nothing do not block it either, but
// fasthttp takes about five seconds to close them.
func TestShutdownWithSilentConnections(t *testing.T) {
	t.Parallel()
	const head = "POST /api/inngest?fnId=app-fn HTTP/1.1\r\nHost: h\r\n"
	for name, tc := range map[string]struct {
		readTimeout time.Duration
		sent        []string
	}{
		"with ReadTimeout":    {500 * time.Millisecond, []string{"", head, head + "Content-Length: 1000\r\n\r\n{"}},
		"without ReadTimeout": {0, []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fiber.New(fiber.Config{StreamRequestBody: true, ReadTimeout: tc.readTimeout, DisableStartupMessage: true})
			app := newApp(t, inngestkit.Config{}, nil)
			inngestfiber.Mount(f, app)
			addr, served := listen(t, f)
			for _, sent := range tc.sent {
				dial(t, addr, sent)
			}
			require.Eventually(t, func() bool { return f.Server().GetOpenConnectionsCount() == int32(len(tc.sent)) },
				time.Minute, time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			require.NoError(t, app.Shutdown(ctx))
			require.NoError(t, f.ShutdownWithContext(ctx))
			require.NoError(t, <-served)
		})
	}
}

// With StreamRequestBody, a Content-Length alone does not allocate memory for a body. The
// test measures memory, so it does not run in parallel with others.
func TestAnnouncedBodiesTakeNoMemory(t *testing.T) { //nolint:paralleltest // see above
	const clients, some = 50, 10 << 10
	f := fiber.New(fiber.Config{StreamRequestBody: true, DisableStartupMessage: true})
	var arrived atomic.Int64
	f.Use(func(c *fiber.Ctx) error {
		arrived.Add(1)
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, nil))
	addr, served := listen(t, f)
	before := heap()
	var conns []net.Conn
	for range clients {
		conns = append(conns, dial(t, addr, fmt.Sprintf("POST /api/inngest?fnId=app-fn HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s",
			inngestkit.DefaultMaxBodyBytes, strings.Repeat("{", some))))
	}
	require.Eventually(t, func() bool { return arrived.Load() == clients }, time.Minute, time.Millisecond)
	require.Less(t, heap()-before, int64(clients*inngestkit.DefaultMaxBodyBytes/10))
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	require.NoError(t, f.ShutdownWithTimeout(time.Minute))
	require.NoError(t, <-served)
}

// Fiber does not enforce BodyLimit while streaming, so other routes need the middleware in
// docs/adapters.md.
func TestBodyLimitWhileStreaming(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	f := fiber.New(fiber.Config{StreamRequestBody: true, BodyLimit: limit, DisableStartupMessage: true})
	size := func(c *fiber.Ctx) error { return c.SendString(strconv.Itoa(len(c.Body()))) }
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return "done", nil }))
	f.Post("/unlimited", size)
	f.Use(func(c *fiber.Ctx) error {
		if n := c.Request().Header.ContentLength(); n > limit || n == -1 {
			return fiber.ErrRequestEntityTooLarge
		}
		return c.Next()
	})
	f.Post("/limited", size)
	large := call + strings.Repeat(" ", limit)
	for _, tc := range []struct {
		target, body string
		status       int
	}{
		{"/api/inngest?fnId=app-fn", large, http.StatusOK},
		{"/unlimited", large, http.StatusOK},
		{"/limited", call, http.StatusOK},
		{"/limited", large, http.StatusRequestEntityTooLarge},
	} {
		resp, err := f.Test(httptest.NewRequest(http.MethodPost, tc.target, strings.NewReader(tc.body)), -1)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, tc.status, resp.StatusCode, tc.target)
	}
	addr, served := listen(t, f)
	conn := dial(t, addr, "POST /limited HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, "in chunks, without a known total")
	require.NoError(t, conn.Close())
	require.NoError(t, f.ShutdownWithTimeout(time.Minute))
	require.NoError(t, <-served)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
