package inngestfiber_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	inngestfiber "github.com/inngestkit/inngestkit/adapters/fiber"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

var signedUp = inngestkit.DefineEvent[any]("user/signed-up")

const call = `{"ctx":{"run_id":"r"},"event":{"name":"user/signed-up","data":{}}}`

func newApp(t *testing.T, config inngestkit.Config, handler func(ctx context.Context) (any, error)) *inngestkit.App {
	t.Helper()
	config.AppID, config.Dev = "app", true
	config.Logger = slog.New(slog.DiscardHandler)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", signedUp,
		func(ctx context.Context, _ inngestkit.Input[any]) (any, error) { return handler(ctx) })))
	return app
}

func request(t *testing.T, f *fiber.App, method, target string) (status int, body string) {
	t.Helper()
	resp, err := f.Test(httptest.NewRequest(method, target, strings.NewReader(call)), -1)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// Apps and groups can be mounted in any order, and Inngest receives the full path.
func TestSubApps(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(api.Close)
	for name, tc := range map[string]struct {
		mount func(f *fiber.App, app *inngestkit.App)
		path  string
	}{
		"sub-app mounted before": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			f.Mount("/sub", sub)
			inngestfiber.Mount(sub, app)
		}, "/sub/api/inngest"},
		"sub-app mounted afterwards": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			inngestfiber.Mount(sub, app)
			f.Mount("/sub", sub)
		}, "/sub/api/inngest"},
		"group in a sub-app": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			inngestfiber.Mount(sub.Group("/v1").Group("/internal"), app)
			f.Mount("/sub", sub)
		}, "/sub/v1/internal/api/inngest"},
		"sub-app on a group": {func(f *fiber.App, app *inngestkit.App) {
			sub := fiber.New()
			f.Group("/v1").Mount("/sub", sub)
			inngestfiber.Mount(sub, app)
		}, "/v1/sub/api/inngest"},
		"sub-app in a sub-app": {func(f *fiber.App, app *inngestkit.App) {
			outer, inner := fiber.New(), fiber.New()
			inngestfiber.Mount(inner.Group("/v1"), app)
			outer.Mount("/inner", inner)
			f.Mount("/outer", outer)
		}, "/outer/inner/v1/api/inngest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, inngestkit.Config{BaseURL: api.URL, HTTPClient: api.Client(), ServeHost: "example.com:80"},
				func(context.Context) (any, error) { return "hello", nil })
			f := fiber.New()
			tc.mount(f, app)
			status, body := request(t, f, http.MethodPost, tc.path+"?fnId=app-fn")
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, `"hello"`, body)
			status, _ = request(t, f, http.MethodPut, tc.path)
			require.Equal(t, http.StatusOK, status)
			asked, _ := app.LastSync()
			require.Equal(t, "http://example.com:80"+tc.path, asked.URL)
			require.NoError(t, app.Sync(t.Context()))
			started, _ := app.LastSync()
			require.Equal(t, "http://example.com:80"+tc.path, started.URL)
			require.NoError(t, app.Shutdown(t.Context()))
		})
	}
}

// Mount does not affect a user's sub-app at the path of the endpoint.
func TestSubAppAtTheSamePath(t *testing.T) {
	t.Parallel()
	f := fiber.New()
	jobs := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, _ error) error { return c.SendStatus(http.StatusTeapot) }})
	jobs.Get("/x", func(*fiber.Ctx) error { return fiber.ErrBadRequest })
	f.Mount("/jobs", jobs)
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{Path: "/jobs"}, func(context.Context) (any, error) { return "done", nil }))
	status, _ := request(t, f, http.MethodGet, "/jobs/x")
	require.Equal(t, http.StatusTeapot, status)
	status, body := request(t, f, http.MethodPost, "/jobs?fnId=app-fn")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `"done"`, body)
}

// Bytes in Locals often point to request memory, which Fiber reuses.
func TestBytesInLocals(t *testing.T) {
	t.Parallel()
	var kept []any
	f := fiber.New()
	f.Use(func(c *fiber.Ctx) error {
		c.Locals("query", c.Request().URI().QueryString())
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept = append(kept, ctx.Value("query"))
		return nil, nil
	}))
	for _, n := range []string{"1", "2", "3"} {
		status, _ := request(t, f, http.MethodPost, "/api/inngest?fnId=app-fn&n="+n)
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, []any{[]byte("fnId=app-fn&n=1"), []byte("fnId=app-fn&n=2"), []byte("fnId=app-fn&n=3")}, kept)
}

// A user context that derives from Fiber's, which outlives its request, ends with the
// call, and has no values of later requests. The test reads it during later requests,
// when Fiber's context belongs to them.
func TestUserContextDerivedFromFibers(t *testing.T) {
	t.Parallel()
	type key struct{}
	var kept []context.Context
	f := fiber.New()
	f.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(context.WithValue(c.Context(), key{}, c.Method()))
		if later := c.Query("later"); later != "" {
			c.Locals("later", later)
		}
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		kept = append(kept, ctx)
		return []any{ctx.Value(key{}), kept[0].Value("later")}, nil
	}))
	for _, query := range []string{"", "&later=1", "&later=2"} {
		status, body := request(t, f, http.MethodPost, "/api/inngest?fnId=app-fn"+query)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, `["POST",null]`, body)
	}
	require.Error(t, kept[0].Err())
	require.Nil(t, kept[0].Value(key{}))
	require.Equal(t, "1", kept[1].Value("later"))
}

// A header that middleware has already set is not duplicated.
func TestHeaderSetByMiddleware(t *testing.T) {
	t.Parallel()
	f := fiber.New()
	f.Use(func(c *fiber.Ctx) error {
		c.Set("X-Inngest-No-Retry", "true")
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, nil))
	resp, err := f.Test(httptest.NewRequest(http.MethodDelete, "/api/inngest", nil), -1)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Len(t, resp.Header["X-Inngest-No-Retry"], 1)
}

// A call continues when the server's shutdown begins, although Fiber's own context ends
// then.
func TestShutdownWithUserContextDerivedFromFibers(t *testing.T) {
	t.Parallel()
	fibers := make(chan (<-chan struct{}), 1)
	f := fiber.New(fiber.Config{DisableStartupMessage: true})
	f.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(c.Context())
		fibers <- c.Context().Done()
		return c.Next()
	})
	started := make(chan struct{})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		done := <-fibers
		close(started)
		<-done
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond): // no event shows that a context does not end
			return "hello", nil
		}
	}))
	addr, served := listen(t, f)
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
	require.NoError(t, f.ShutdownWithTimeout(time.Minute))
	require.NoError(t, <-served)
	require.Equal(t, `"hello"`, <-answered)
}

func listen(t *testing.T, f *fiber.App) (addr string, served <-chan error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- f.Listener(listener) }()
	return listener.Addr().String(), ended
}

// A streamed body is read only up to the app's limit.
func TestStreamedBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	f := fiber.New(fiber.Config{StreamRequestBody: true, DisableStartupMessage: true})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{MaxBodyBytes: 1 << 10}, nil))
	addr, served := listen(t, f)
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
	require.NoError(t, f.ShutdownWithTimeout(time.Minute))
	require.NoError(t, <-served)
}

// No value of a header with several values can start another header.
func TestHeaderValuesHaveOneLine(t *testing.T) {
	t.Parallel()
	app := newApp(t, inngestkit.Config{}, func(context.Context) (any, error) { return nil, nil })
	require.NoError(t, app.AddRoutes(adapter.Route{Path: "/plugin", Do: func(context.Context, *adapter.Request) *adapter.Response {
		return &adapter.Response{Status: http.StatusOK, Header: http.Header{"X-Many": {"1\r\nX-Evil: 1", "2\r\nX-Evil: 2"}}}
	}}))
	f := fiber.New()
	inngestfiber.Mount(f, app)
	resp, err := f.Test(httptest.NewRequest(http.MethodGet, "/plugin", nil), -1)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Len(t, resp.Header["X-Many"], 2)
	require.NotContains(t, resp.Header, "X-Evil")
}

// brokenContext panics in Value.
type brokenContext struct{ context.Context }

func (brokenContext) Value(any) any { panic("no values") }

// Fiber does not recover panics, so a panic of a context set by middleware would end the
// process.
func TestUserContextThatPanics(t *testing.T) {
	t.Parallel()
	f := fiber.New()
	f.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(brokenContext{c.UserContext()})
		return c.Next()
	})
	inngestfiber.Mount(f, newApp(t, inngestkit.Config{}, func(ctx context.Context) (any, error) {
		return []any{ctx.Value("key"), "hello"}, nil
	}))
	status, body := request(t, f, http.MethodPost, "/api/inngest?fnId=app-fn")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `[null,"hello"]`, body)
}
