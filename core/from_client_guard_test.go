package inngestkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/middleware"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/step"
)

// Hazard 1: to the SDK, a done context is a completed run.
func TestAdoptedFunctionWhoseContextIsDone(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context) (string, error) { return "", nil }
	for _, tc := range []struct {
		name    string
		handler func(ctx context.Context, hangUp func()) (any, error)
		message string
	}{
		{"the caller hangs up before a step", func(ctx context.Context, hangUp func()) (any, error) {
			hangUp()
			<-ctx.Done()
			_, err := sdkstep.Run(ctx, "next", nothing)
			return "done", err
		}, "before the function"},
		{"the caller hangs up before the end", func(ctx context.Context, hangUp func()) (any, error) {
			hangUp()
			<-ctx.Done()
			return "done", nil
		}, "hung up"},
		{"a timeout of the function's own", func(ctx context.Context, _ func()) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Nanosecond)
			defer cancel()
			<-ctx.Done()
			_, err := sdkstep.Run(ctx, "next", nothing)
			return "done", err
		}, "before the function"},
		{"a timeout of the function's own, our step", func(ctx context.Context, _ func()) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Nanosecond)
			defer cancel()
			<-ctx.Done()
			_, err := step.Run(ctx, "next", nothing)
			return "done", err
		}, `step "next" was not started`},
		{"a recover swallows the unwinding", func(ctx context.Context, hangUp func()) (any, error) {
			defer func() { _ = recover() }()
			hangUp()
			<-ctx.Done()
			_, err := sdkstep.Run(ctx, "next", nothing)
			return "done", err
		}, "hung up"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, hangUp := context.WithCancel(t.Context())
			app, _ := adopt(t, func(ctx context.Context, _ input) (any, error) { return tc.handler(ctx, hangUp) })
			resp := callFn(ctx, t, app, signUpEnvelope(user{}))
			require.Equal(t, http.StatusInternalServerError, resp.Status, "%s", resp.Body)
			require.Contains(t, message(t, resp), tc.message)
			require.Equal(t, "false", resp.Header.Get("X-Inngest-No-Retry"))
		})
	}
	t.Run("a recover swallows a step that has run", func(t *testing.T) {
		t.Parallel()
		app, _ := adopt(t, func(ctx context.Context, _ input) (result any, err error) {
			defer func() {
				if recover() != nil {
					err = errors.New("recovered")
				}
			}()
			return sdkstep.Run(ctx, "one", func(context.Context) (string, error) { return "1", nil })
		})
		require.Equal(t, "1", ops(t, callFn(t.Context(), t, app, signUpEnvelope(user{})))[0]["data"])
	})
}

// sawPanic is middleware that records what OnPanic gets.
type sawPanic struct {
	middleware.BaseMiddleware

	stack *string
}

func (m *sawPanic) OnPanic(_ context.Context, _ middleware.CallContext, _ any, stack string) {
	*m.stack = stack
}

// Hazard 23: the log and the client's middleware get the stack, the server does not.
func TestAdoptedFunctionPanics(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]func(context.Context, input) (any, error){
		"function": func(context.Context, input) (any, error) { explode(); return "done", nil },
		"step": func(ctx context.Context, _ input) (any, error) {
			return sdkstep.Run(ctx, "one", func(context.Context) (string, error) { explode(); return "", nil })
		},
	} {
		var stack string
		client, l := sdkClient(t, func(o *inngestgo.ClientOpts) {
			o.Middleware = append(o.Middleware, func() middleware.Middleware { return &sawPanic{stack: &stack} })
		})
		createFn(t, client, "fn", handler)
		app, err := inngestkit.FromClient(client)
		require.NoError(t, err)
		resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
		require.Equal(t, http.StatusInternalServerError, resp.Status, name)
		require.Equal(t, "function fn panicked: boom", message(t, resp), name)
		require.NotContains(t, string(resp.Body), "explode", name)
		require.Contains(t, l.String(), "explode", name)
		require.Contains(t, stack, "explode", name)
	}
}

func explode() { panic("boom") }

// Hazard 20: with streaming, which the app disables, the SDK drops what a retry depends on.
func TestAdoptedFunctionFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		err      error
		status   int
		noRetry  string
		retryHas bool
	}{
		{"once", errors.New("flaky"), 500, "false", false},
		{"for good", inngestgo.NoRetryError(errors.New("flaky")), 400, "true", false},
		{"until later", inngestgo.RetryAtError(errors.New("flaky"), time.Now().Add(time.Hour)), 500, "false", true},
	} {
		for _, streaming := range []bool{false, true} {
			client, _ := sdkClient(t, func(o *inngestgo.ClientOpts) { o.UseStreaming = streaming })
			createFn(t, client, "fn", func(context.Context, input) (any, error) { return nil, tc.err })
			app, err := inngestkit.FromClient(client)
			require.NoError(t, err)
			resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
			require.Equal(t, tc.status, resp.Status, tc.name)
			require.Equal(t, "flaky", message(t, resp), tc.name)
			require.Equal(t, tc.noRetry, resp.Header.Get("X-Inngest-No-Retry"), tc.name)
			require.Equal(t, tc.retryHas, resp.Header.Get("Retry-After") != "", tc.name)
		}
	}
}

// Hazard 3: the SDK cannot read the errors of steps that the server itself makes.
func TestAdoptedFunctionReadsTheErrorOfAStep(t *testing.T) {
	t.Parallel()
	app, _ := adopt(t, func(ctx context.Context, _ input) (any, error) {
		_, err := sdkstep.Run(ctx, "one", func(context.Context) (string, error) { return "", nil })
		return "had " + err.Error(), nil
	})
	e := signUpEnvelope(user{})
	e.Steps[hashed("one")] = map[string]any{"error": map[string]any{"name": "E", "message": "output too large"}}
	resp := callFn(t.Context(), t, app, e)
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	require.Contains(t, string(resp.Body), "output too large")
}

func TestAdoptedAppGuardsItsEndpoint(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	app, _ := adopt(t, func(context.Context, input) (any, error) {
		close(running)
		<-release
		return "done", nil
	}, func(c *inngestkit.Config) { c.MaxBodyBytes = 1 << 10 })
	for _, tc := range []struct {
		req    *adapter.Request
		status int
	}{
		{request(http.MethodPost, "fnId=app-fn", strings.Repeat(" ", 1<<10+1)), http.StatusRequestEntityTooLarge},
		{request(http.MethodPost, "fnId=app-fn", "garbage"), http.StatusBadRequest},
		{request(http.MethodPost, "fnId=app-other", signUpEnvelope(user{}).json(t)), http.StatusGone},
		{request(http.MethodDelete, "", ""), http.StatusMethodNotAllowed},
	} {
		resp := app.Do(t.Context(), tc.req)
		require.Equal(t, tc.status, resp.Status)
		require.Equal(t, "test", resp.Header.Get("X-Inngest-Framework"))
		message(t, resp)
	}
	var info map[string]any
	require.NoError(t, json.Unmarshal(app.Do(t.Context(), request(http.MethodGet, "", "")).Body, &info))
	require.EqualValues(t, 1, info["function_count"])

	answered := make(chan *adapter.Response, 1)
	req := callRequest(t, signUpEnvelope(user{}))
	go func() { answered <- app.Do(context.WithoutCancel(t.Context()), req) }()
	<-running
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorContains(t, app.Shutdown(ended), "1 calls are still running")
	refused := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusServiceUnavailable, refused.Status)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	close(release)
	require.Equal(t, http.StatusOK, (<-answered).Status)
	require.NoError(t, app.Shutdown(t.Context()))
}

func TestStepOfOursWithinAStepOfTheSDKs(t *testing.T) {
	t.Parallel()
	var ran atomic.Bool
	app, _ := adopt(t, func(ctx context.Context, _ input) (any, error) {
		return sdkstep.Run(ctx, "outer", func(ctx context.Context) (string, error) {
			return step.Run(ctx, "inner", func(context.Context) (string, error) { ran.Store(true); return "", nil })
		})
	})
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusBadRequest, resp.Status)
	require.Contains(t, message(t, resp), `step "inner" was called inside the callback of another step`)
	require.False(t, ran.Load())
}
