package inngestkit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

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
