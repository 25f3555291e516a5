package inngestkit_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/adapter"
)

// Every request to the server carries the SDK, the platform and the protocol version.
func TestHeadersOfRequests(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/v1/signals" {
			_, _ = io.WriteString(w, `{"data":{"run_id":"01J0000000000000000000000"}}`)
			return
		}
		accepted(w, "id1")
	})
	app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL, Env: "branch", Platform: "railway"}, onSignUp(hello))
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
		require.Equal(t, "railway", r.Header.Get("X-Inngest-Platform"), r.URL.Path)
	}

	app, _ = newAppWith(t, inngestkit.Config{Dev: true, BaseURL: server.URL})
	require.NoError(t, app.Ping(t.Context()))
	requests, _ = server.seen()
	require.NotContains(t, requests[4].Header, "X-Inngest-Platform", "nothing is known")
}

// Responses name the platform of the app, except to strangers.
func TestPlatformOfResponses(t *testing.T) {
	t.Parallel()
	config := cloud
	config.Platform = "aws-eu-west-3"
	app, _ := newAppWith(t, config, onSignUp(hello))
	for _, resp := range []*adapter.Response{
		callSigned(t, app, signUpEnvelope(user{})),
		app.Do(t.Context(), request(http.MethodDelete, "", "")),
	} {
		require.Equal(t, []string{"aws-eu-west-3"}, resp.Header["X-Inngest-Platform"])
	}
	resp := callFn(t.Context(), t, app, signUpEnvelope(user{}))
	require.Equal(t, http.StatusUnauthorized, resp.Status)
	require.NotContains(t, resp.Header, "X-Inngest-Platform")

	app, _ = newApp(t, onSignUp(hello))
	require.NotContains(t, callFn(t.Context(), t, app, signUpEnvelope(user{})).Header, "X-Inngest-Platform", "nothing is known")
}
