package inngestkit_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// A sync announces the path that the server is to ask for, whatever has become of
// it on the way to the handler.
func TestHTTPHandlerBelowAChangedPath(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, want string
		with               func(http.Handler) http.Handler
	}{
		{"as it came", "/api/inngest?x=1", "/api/inngest", func(h http.Handler) http.Handler { return h }},
		{
			"StripPrefix", "/v1/api/inngest?x=1", "/v1/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/v1", h) },
		},
		{
			"StripPrefix of what comes twice", "/a/a", "/a/a",
			func(h http.Handler) http.Handler { return http.StripPrefix("/a", h) },
		},
		{
			"escaped", "/caf%C3%A9/api/inngest", "/caf%C3%A9/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/café", h) },
		},
		{
			"absolute", "http://other.test/v1/api/inngest", "/v1/api/inngest",
			func(h http.Handler) http.Handler { return http.StripPrefix("/v1", h) },
		},
		{
			"a request that was made", "/api/inngest", "/api/inngest",
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
			server := newAPI(t, synced)
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, ServeHost: "http://app.test"}, onSignUp(hello))
			w := httptest.NewRecorder()
			handler := tc.with(inngestkit.HTTPHandler("test", app.Do))
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, tc.target, nil))
			require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
			last, _ := app.LastSync()
			require.Contains(t, []string{"http://app.test" + tc.want, "http://app.test" + tc.want + "?x=1"}, last.URL)
		})
	}
}

// A WriteTimeout is for writing, and begins when there is an answer; over HTTP/2 the
// server would give up the stream without that.
func TestHTTPHandlerLiftsTheWriteTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second // in which TLS has to be agreed on, on a slow machine too
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, l := newApp(t, onSignUp(func(ctx context.Context, _ input) (string, error) {
				<-time.After(2 * timeout) // of the real clock, which the connection has too
				return "done", ctx.Err()
			}))
			deadlines := make(chan time.Time, 2)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inngestkit.HTTPHandler("test", app.Do).ServeHTTP(deadlineWriter{w, deadlines}, r)
			}))
			server.Config.WriteTimeout = timeout
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			start := time.Now()
			resp, err := server.Client().Post(server.URL+"?fnId=app-fn", "application/json", strings.NewReader(signUpEnvelope(user{}).json(t)))
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, `"done"`, string(body))
			require.Equal(t, name[:6], resp.Proto[:6])
			require.Zero(t, <-deadlines, "none for the call")
			require.True(t, (<-deadlines).After(start.Add(timeout)), "a new one for writing")
			require.Empty(t, l.String())
		})
	}
}

// deadlineWriter tells which deadlines are set.
type deadlineWriter struct {
	http.ResponseWriter

	deadlines chan<- time.Time
}

func (w deadlineWriter) SetWriteDeadline(deadline time.Time) error {
	w.deadlines <- deadline
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(deadline)
}

// Where it cannot be lifted, the app says so.
func TestHTTPHandlerTellsOfAWriteTimeout(t *testing.T) {
	t.Parallel()
	app, l := newApp(t, onSignUp(hello))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inngestkit.HTTPHandler("test", app.Do).ServeHTTP(struct{ http.ResponseWriter }{w}, r)
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

// The server follows redirects that make GET of a POST or PUT, and takes whatever
// is answered with 200 for success.
func TestRedirectedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		method, query, body string
		want                int
	}{
		{http.MethodGet, "", "", http.StatusOK},
		{http.MethodHead, "", "", http.StatusOK},
		{http.MethodGet, "a;b&x=%zz", "", http.StatusOK},
		{http.MethodGet, "fnId=app-fn&stepId=step", "", http.StatusBadRequest},
		{http.MethodHead, "fnId=app-fn&stepId=step", "", http.StatusBadRequest},
		{http.MethodGet, "x=%zz&fnId=app-fn", "", http.StatusBadRequest},
		{http.MethodGet, "", `{"url":"http://app.test/api/inngest"}`, http.StatusBadRequest},
	} {
		app, l := newApp(t, onSignUp(hello))
		resp := app.Do(t.Context(), request(tc.method, tc.query, tc.body))
		require.Equal(t, tc.want, resp.Status, "%s %s %s", tc.method, tc.query, tc.body)
		require.Equal(t, tc.want != http.StatusOK, strings.Contains(l.String(), "a redirect has made "+tc.method))
	}
}
