package inngestlambda_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"

	inngestlambda "github.com/inngestkit/inngestkit/adapters/lambda"
	"github.com/inngestkit/inngestkit/adapters/lambda/lambdatest"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// post sends a request to an app's path.
func post(t *testing.T, handler http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/inngest?fnId=shop-fn&stepId=step", strings.NewReader(body)))
	return w
}

// newApp returns an app in dev mode.
func newApp(t *testing.T, id string) *inngestkit.App {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: id, Dev: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	require.NoError(t, err)
	return app
}

// Payloads that are not HTTP requests get an error that says what the handler supports.
func TestOtherPayloads(t *testing.T) {
	t.Parallel()
	payloads := map[string][]byte{
		"nothing": nil, "not JSON": []byte("<html>"), "null": []byte("null"), "a string": []byte(`"hello"`), "a list": []byte("[]"),
		"an empty object": []byte("{}"), "other types": []byte(`{"httpMethod":1,"path":[],"requestContext":"x","headers":[]}`),
		"a version alone": []byte(`{"version":"2.0"}`), "a path alone": []byte(`{"httpMethod":"GET","path":"/api/inngest"}`),
	}
	files, err := filepath.Glob("testdata/other/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		payloads[file], err = os.ReadFile(file)
		require.NoError(t, err)
	}
	for name, payload := range payloads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := inngestlambda.Handler(newApp(t, "shop")).Invoke(t.Context(), payload)
			require.ErrorContains(t, err, "inngestlambda: the payload is not an HTTP request of an API Gateway")
			require.ErrorContains(t, err, "set Events of an inngestlambda.Router")

			var passed []byte
			router := &inngestlambda.Router{Events: handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
				passed = payload
				return []byte("handled"), nil
			})}
			inngestlambda.Mount(router, newApp(t, "shop"))
			got, err := router.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, "handled", string(got))
			require.Equal(t, payload, passed)
		})
	}
}

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke implements lambda.Handler.
func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// Each handler of a Router gets only its own invocations. Without handlers, the zero value
// serves apps.
func TestRouter(t *testing.T) {
	t.Parallel()
	other := func(name string) lambda.Handler {
		return handlerFunc(func(context.Context, []byte) ([]byte, error) { return []byte(name), nil })
	}
	for _, router := range []*inngestlambda.Router{
		{},
		{HTTP: other("http")},
		{Events: other("events")},
		{HTTP: other("http"), Events: other("events")},
	} {
		inngestlambda.Mount(router, newApp(t, "shop"))
		endpoint := eventOf(t, "http-api-2")
		got, err := router.Invoke(t.Context(), endpoint)
		require.NoError(t, err)
		require.Contains(t, string(got), "X-Inngest-Sdk")

		got, err = router.Invoke(t.Context(), changed(t, endpoint, map[string]any{"rawPath": "/favicon.ico"}))
		require.NoError(t, err)
		if router.HTTP != nil {
			require.Equal(t, "http", string(got))
		} else {
			require.Contains(t, string(got), `"statusCode":404`)
			require.Contains(t, string(got), "no app is mounted at this path")
		}

		got, err = router.Invoke(t.Context(), eventOf(t, "other/sqs"))
		if router.Events != nil {
			require.NoError(t, err)
			require.Equal(t, "events", string(got))
		} else {
			require.ErrorContains(t, err, "the payload is not an HTTP request")
		}
	}
	_, err := new(inngestlambda.Router).Invoke(t.Context(), eventOf(t, "http-api-2"))
	require.NoError(t, err, "without an app")
}

// Mount refuses the patterns of other routers, which would match no request.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/{tenant}/inngest", "/:tenant/inngest", "/inngest/*"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Path: path})
			require.NoError(t, err)
			require.PanicsWithValue(t, `inngestlambda: Mount: app "shop" cannot be mounted at `+path+
				`: this router has no parameters or wildcards ({, :, *); use the path as clients request it`,
				func() { inngestlambda.Handler(app) })
		})
	}
}

// A path with escapes matches, is announced as it is configured, and once for both forms.
func TestEscapedPath(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, err := inngestkit.New(inngestkit.Config{
				AppID: "shop", Dev: true, BaseURL: newDevServer(t), Path: "/a%20b/caf%C3%A9", Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, app.Shutdown(context.WithoutCancel(t.Context()))) }()
			require.NoError(t, app.Register(inngestkit.OnCron("fn", "0 9 * * *", func(context.Context, inngestkit.CronInput) (any, error) { return "done", nil })))
			gateway := &lambdatest.Gateway{Kind: kind.kind, Handler: inngestlambda.Handler(app)}
			require.NoError(t, app.Sync(t.Context()))
			sync, _ := app.LastSync()
			require.Equal(t, "http://localhost:3000/a%20b/caf%C3%A9", sync.URL)
			for _, path := range []string{"/a%20b/caf%C3%A9", "/a%20b/café/"} {
				w := httptest.NewRecorder()
				gateway.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "http://shop.example.com"+path, nil))
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				sync, _ = app.LastSync()
				require.Equal(t, "http://shop.example.com/a%20b/caf%C3%A9", sync.URL)
			}
		})
	}
}

// newDevServer returns the URL of a server at which every sync succeeds.
func newDevServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":true,"modified":true}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// The context of a call ends before Lambda ends the process. The server then learns why the
// call has failed, and retries it.
func TestDeadline(t *testing.T) {
	t.Parallel()
	inStep := func(callback func(ctx context.Context) error) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := step.Run(ctx, "next", func(ctx context.Context) (any, error) { return nil, callback(ctx) })
			return err
		}
	}
	for name, idiom := range map[string]func(ctx context.Context) error{
		"nil":                func(ctx context.Context) error { <-ctx.Done(); return nil },
		"ctx.Err()":          func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"ctx.Err(), wrapped": func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("query: %w", ctx.Err()) },
		"context.Cause":      func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		"a step afterwards": func(ctx context.Context) error {
			<-ctx.Done()
			return inStep(func(context.Context) error { return nil })(ctx)
		},
		"ctx.Err() in a step":     inStep(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
		"context.Cause in a step": inStep(func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireDeadline(t, 15*time.Minute, inngestlambda.ResponseMargin, idiom)
			requireDeadline(t, 3*time.Second, 300*time.Millisecond, idiom)
		})
	}
}

// requireDeadline requires that a call ends before a timeout, with a response that names it.
func requireDeadline(t *testing.T, timeout, margin time.Duration, idiom func(ctx context.Context) error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		app := newApp(t, "shop")
		require.NoError(t, app.Register(inngestkit.OnEvent("fn", inngestkit.DefineEvent[struct{}]("shop/happened"),
			func(ctx context.Context, _ inngestkit.Input[struct{}]) (any, error) { return nil, idiom(ctx) })))
		started := time.Now()
		gateway := &lambdatest.Gateway{Handler: inngestlambda.Handler(app), Timeout: timeout}
		got := post(t, gateway, `{"event":{"name":"shop/happened","data":{}},"ctx":{"run_id":"1"},"steps":{}}`)
		require.Equal(t, timeout-margin, time.Since(started))
		require.NotEqual(t, "true", got.Header().Get("X-Inngest-No-Retry"))
		require.Contains(t, got.Body.String(), "the timeout of the Lambda function is about to end the invocation")
	})
}

// A cancelled invocation ends the call, too.
func TestCancelledInvocation(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, time.Minute} {
		ctx, cancel := context.WithCancelCause(t.Context())
		deadline := ctx
		if timeout > 0 {
			var release context.CancelFunc
			deadline, release = context.WithTimeout(ctx, timeout)
			defer release()
		}
		app := routed(t, func(ctx context.Context, _ *adapter.Request) *adapter.Response {
			cancel(errors.New("shutting down"))
			<-ctx.Done()
			return &adapter.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(context.Cause(ctx).Error())}
		})
		got, err := inngestlambda.Handler(app).Invoke(deadline, eventOf(t, "http-api-2"))
		require.NoError(t, err)
		require.Contains(t, string(got), "shutting down")
	}
}

// A function that ends its goroutine does not end the loop in which the runtime calls the
// handler.
func TestEndedGoroutine(t *testing.T) {
	t.Parallel()
	app := routed(t, func(context.Context, *adapter.Request) *adapter.Response {
		runtime.Goexit()
		return nil
	})
	got, err := inngestlambda.Handler(app).Invoke(t.Context(), eventOf(t, "http-api-2"))
	require.NoError(t, err)
	require.Contains(t, string(got), `"statusCode":500`)
	require.Contains(t, string(got), "runtime.Goexit")
	require.NotContains(t, string(got), "X-Inngest-Sdk", "it would count as a response of the app")
}

// A frozen process has nothing to drain: what arrives after a Shutdown is refused.
func TestShutdown(t *testing.T) {
	t.Parallel()
	app := newApp(t, "shop")
	require.NoError(t, app.Register(inngestkit.OnCron("fn", "0 9 * * *", func(context.Context, inngestkit.CronInput) (any, error) { return "done", nil })))
	gateway := &lambdatest.Gateway{Handler: inngestlambda.Handler(app)}
	const call = `{"event":{"name":"inngest/scheduled.timer","data":{}},"ctx":{"run_id":"1"},"steps":{}}`
	require.Equal(t, http.StatusOK, post(t, gateway, call).Code)
	require.NoError(t, app.Shutdown(t.Context()))
	got := post(t, gateway, call)
	require.Equal(t, http.StatusServiceUnavailable, got.Code)
	require.Equal(t, "2", got.Header().Get("Retry-After"))
}

func TestNil(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]func(){
		"inngestlambda: Handler: the app is nil":             func() { inngestlambda.Handler(nil) },
		"inngestlambda: Mount: the app is nil":               func() { inngestlambda.Mount(&inngestlambda.Router{}, nil) },
		`inngestlambda: Mount: the router for app "shop" is`: func() { inngestlambda.Mount(nil, newApp(t, "shop")) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			defer func() { require.Contains(t, recover(), want) }()
			call()
		})
	}
}

// A deployment syncs by invoking the function with an event of its own.
func TestSyncFromAnEvent(t *testing.T) {
	t.Parallel()
	app, err := inngestkit.New(inngestkit.Config{
		AppID: "shop", SigningKey: "signkey-test-8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff", BaseURL: newDevServer(t),
		ServeHost: "https://a1b2c3d4e5.execute-api.us-east-2.amazonaws.invalid", ServePath: "/prod/api/inngest",
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, app.Shutdown(t.Context())) }()
	require.NoError(t, app.Register(inngestkit.OnCron("fn", "0 9 * * *", func(context.Context, inngestkit.CronInput) (any, error) { return "done", nil })))
	router := &inngestlambda.Router{Events: lambda.NewHandler(func(ctx context.Context, in struct{ Sync bool }) error {
		if !in.Sync {
			return errors.New("unknown event")
		}
		return app.Sync(ctx)
	})}
	inngestlambda.Mount(router, app)
	_, err = router.Invoke(t.Context(), []byte(`{"sync":true}`))
	require.NoError(t, err)
	sync, _ := app.LastSync()
	require.Equal(t, "https://a1b2c3d4e5.execute-api.us-east-2.amazonaws.invalid/prod/api/inngest", sync.URL)
	_, err = router.Invoke(t.Context(), []byte(`{"other":true}`))
	require.ErrorContains(t, err, "unknown event")
}

// At the first request of a process, the app warns about AWS's default timeout, which is
// rarely intended, and not about longer ones.
func TestDefaultTimeoutWarns(t *testing.T) {
	t.Parallel()
	for timeout, warns := range map[time.Duration]bool{3 * time.Second: true, 29 * time.Second: false, 15 * time.Minute: false} {
		var logged bytes.Buffer
		app, err := inngestkit.New(inngestkit.Config{AppID: "shop", Dev: true, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		require.NoError(t, err)
		gateway := &lambdatest.Gateway{Handler: inngestlambda.Handler(app), Timeout: timeout}
		post(t, gateway, "")
		require.Equal(t, warns, strings.Contains(logged.String(), "a timeout ends calls"), "%s: %s", timeout, &logged)
	}
}
