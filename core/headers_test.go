package inngestkit_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Every request to the server says who sends it and which version of the protocol
// the app speaks.
func TestHeadersOfRequests(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/v1/signals" {
			_, _ = io.WriteString(w, `{"data":{"run_id":"01J0000000000000000000000"}}`)
			return
		}
		accepted(w, "id1")
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, Env: "branch"}, onSignUp(hello))
	require.Equal(t, http.StatusOK, app.Do(t.Context(), request(http.MethodPut, "", "")).Status)
	_, err := app.Send(t.Context(), signedUp.New(user{}))
	require.NoError(t, err)
	require.NoError(t, app.SendSignal(t.Context(), "s", nil))
	require.NoError(t, app.Ping(t.Context()))

	requests, _ := server.seen()
	require.Len(t, requests, 4)
	for _, r := range requests {
		require.Equal(t, "go:v0.16.0", r.Header.Get("X-Inngest-Sdk"), r.URL.Path)
		require.Equal(t, "2", r.Header.Get("X-Inngest-Req-Version"), r.URL.Path)
		require.Equal(t, "branch", r.Header.Get("X-Inngest-Env"), r.URL.Path)
		require.Equal(t, "inngestkit/"+inngestkit.Version, r.Header.Get("User-Agent"), r.URL.Path)
	}
}
