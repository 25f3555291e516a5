package adapter_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/adapter"
)

func responds(status int, body string) *adapter.Response {
	return &adapter.Response{Status: status, Header: http.Header{"X-Many": {"1", "2"}}, Body: []byte(body)}
}

func TestHTTPHandler(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got *adapter.Request
	var value any
	handler := adapter.HTTPHandler("test", func(ctx context.Context, req *adapter.Request) *adapter.Response {
		got, value = req, ctx.Value(key{})
		return responds(http.StatusTeapot, "short and stout")
	})
	for _, secure := range []bool{false, true} {
		target := map[bool]string{false: "http://app.test/pot?a=%20b", true: "https://app.test/pot?a=%20b"}[secure]
		r := httptest.NewRequest(http.MethodPost, target, http.NoBody)
		r.Header.Set("X-Sent", "yes")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "stored")))
		require.Equal(t, &adapter.Request{
			Method: http.MethodPost, Scheme: map[bool]string{false: "http", true: "https"}[secure], Host: "app.test", Path: "/pot",
			RawQuery: "a=%20b", Header: http.Header{"X-Sent": {"yes"}}, Body: http.NoBody, Framework: "test",
		}, got)
		require.Equal(t, "stored", value)
		require.Equal(t, http.StatusTeapot, w.Code)
		require.Equal(t, http.Header{"X-Many": {"1", "2"}}, w.Header())
		require.Equal(t, "short and stout", w.Body.String())
	}
}

// A sync announces the path that the server has to call, even if a router has changed
// the URL on its way to the handler.
func TestHTTPHandlerBelowAChangedPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, want string
		with               func(http.Handler) http.Handler
	}{
		{"unchanged", "/api/inngest?x=1", "/api/inngest", func(h http.Handler) http.Handler { return h }},
		{
			"StripPrefix", "/v1/api/inngest?x=1", "/v1/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/v1", h) },
		},
		{
			"StripPrefix of an element that occurs twice", "/a/a", "/a/a",
			func(h http.Handler) http.Handler { return http.StripPrefix("/a", h) },
		},
		{
			"escaped", "/caf%C3%A9/api/inngest", "/café/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/café", h) },
		},
		{
			"absolute", "http://other.test/v1/api/inngest", "/v1/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/v1", h) },
		},
		{
			"a request that the program made", "/api/inngest", "/api/inngest",
			func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.RequestURI = ""
					h.ServeHTTP(w, r)
				})
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			handler := tc.with(adapter.HTTPHandler("test", func(_ context.Context, req *adapter.Request) *adapter.Response {
				return responds(http.StatusOK, req.Path)
			}))
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, tc.target, nil))
			require.Equal(t, tc.want, w.Body.String())
		})
	}
}

// The WriteTimeout limits only writing and starts with the response. Over HTTP/2 the
// server would otherwise reset the stream.
func TestHTTPHandlerLiftsTheWriteTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second // enough for the TLS handshake on a slow machine
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := adapter.HTTPHandler("test", func(ctx context.Context, req *adapter.Request) *adapter.Response {
				<-time.After(2 * timeout) // of the real clock, which the connection uses, too
				if req.WriteTimeout != 0 || ctx.Err() != nil {
					return responds(http.StatusInternalServerError, "cut short")
				}
				return responds(http.StatusOK, "done")
			})
			deadlines := make(chan time.Time, 2)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handler.ServeHTTP(deadlineWriter{w, deadlines}, r)
			}))
			server.Config.WriteTimeout = timeout
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			start := time.Now()
			resp, err := server.Client().Get(server.URL)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, "done", string(body))
			require.Equal(t, name[:6], resp.Proto[:6])
			require.Zero(t, <-deadlines, "no deadline for the call")
			require.True(t, (<-deadlines).After(start.Add(timeout)), "a new deadline for writing")
		})
	}
}

// deadlineWriter reports the deadlines that are set.
type deadlineWriter struct {
	http.ResponseWriter

	deadlines chan<- time.Time
}

func (w deadlineWriter) SetWriteDeadline(deadline time.Time) error {
	w.deadlines <- deadline
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(deadline)
}

func TestHTTPHandlerReportsAWriteTimeoutThatStays(t *testing.T) {
	t.Parallel()
	timeouts := make(chan time.Duration, 1)
	handler := adapter.HTTPHandler("test", func(_ context.Context, req *adapter.Request) *adapter.Response {
		timeouts <- req.WriteTimeout
		return responds(http.StatusOK, "")
	})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	server.Config.WriteTimeout = time.Hour
	server.Start()
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, time.Hour, <-timeouts)
}
