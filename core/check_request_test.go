package inngestkit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

func TestFirstRequestWarnsAboutEnvironment(t *testing.T) {
	t.Parallel()
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 30*time.Second)
	}
	longer := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 31*time.Second)
	}
	late := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 3*time.Hour)
	}
	for _, tc := range []struct {
		name  string
		limit int64
		write time.Duration
		usual time.Duration
		with  func(ctx context.Context) (context.Context, context.CancelFunc)
		logs  []string // texts of the one line that is logged; none if nothing is
	}{
		{"nothing", 0, 0, 0, context.WithCancel, nil},
		{"a small body limit", 1 << 20, 0, 0, context.WithCancel, []string{"ERROR", "limit=1048576 server_sends=4194304", "BodyLimit in fiber.Config"}},
		{"a body limit that is one byte too small", 4<<20 - 1, 0, 0, context.WithCancel, []string{"ERROR"}},
		{"the largest body the server sends", 4 << 20, 0, 0, context.WithCancel, nil},
		{"a deadline", 0, 0, 0, deadline, []string{"WARN", "a timeout ends calls", "timeout=30s"}},
		{"a deadline after the server has given up", 0, 0, 0, late, nil},
		{"a deadline of the platform", 0, 0, 30 * time.Second, longer, nil},
		{"a deadline that is short on the platform", 0, 0, time.Minute, deadline, []string{"WARN", "a timeout ends calls", "timeout=30s"}},
		{"WriteTimeout", 0, time.Minute, 0, context.WithCancel, []string{"WARN", "WriteTimeout", "no Unwrap", "timeout=1m0s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(hello))
			require.Empty(t, l.String(), "before the first request")
			for range 3 {
				ctx, cancel := tc.with(t.Context())
				req := callRequest(t, signUpEnvelope(user{}))
				req.BodyLimit, req.WriteTimeout, req.UsualDeadline = tc.limit, tc.write, tc.usual
				require.Equal(t, http.StatusOK, app.Do(ctx, req).Status)
				cancel()
			}
			if tc.logs == nil {
				require.Empty(t, l.String())
				return
			}
			require.Equal(t, 1, strings.Count(l.String(), "\n"), l.String())
			for _, part := range append(tc.logs, "path=/api/inngest") {
				require.Contains(t, l.String(), part)
			}
		})
	}
}

// Even unsigned requests use memory in a framework that does not stream bodies.
func TestFirstRequestWarnsAboutBufferedBodies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		dev, buffered bool
		logs          bool
	}{
		{"cloud mode", false, true, true},
		{"bodies are streamed", false, false, false},
		{"dev mode", true, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, l := newAppWith(t, inngestkit.Config{Dev: tc.dev, SigningKey: signingKey, EventKey: "key"})
			req := request(http.MethodHead, "", "")
			req.Buffered = tc.buffered
			app.Do(t.Context(), req)
			require.Equal(t, tc.logs, strings.Contains(l.String(), "StreamRequestBody in fiber.Config"), l.String())
		})
	}
}

// Logged timeouts are rounded.
func TestTimeoutsAreRounded(t *testing.T) {
	t.Parallel()
	for timeout, told := range map[time.Duration]string{
		time.Hour: `timeout=1h0m0s\n`, 9980 * time.Millisecond: `timeout=(10|9\.\d)s\n`, 900 * time.Millisecond: `timeout=\d+ms\n`,
	} {
		app, l := newApp(t)
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		app.Do(ctx, request(http.MethodGet, "", ""))
		cancel()
		require.Regexp(t, told, l.String())
	}
}

// The response to GET depends on the signature, so caches must not keep it.
func TestInspectionIsNotCached(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t, onSignUp(hello))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		require.Equal(t, "no-store", app.Do(t.Context(), request(method, "", "")).Header.Get("Cache-Control"))
	}
	require.Empty(t, callFn(t.Context(), t, app, signUpEnvelope(user{})).Header.Get("Cache-Control"))
}

// The app warns of a WriteTimeout that HTTPHandler cannot lift.
func TestWriteTimeoutIsReported(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		adapter.HTTPHandler("test", app.Do).ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	server.Config.WriteTimeout = time.Hour
	server.Start()
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, l.String(), "WriteTimeout of the http.Server")
	require.Contains(t, l.String(), "timeout=1h0m0s")
}
