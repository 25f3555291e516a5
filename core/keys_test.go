package inngestkit_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// callSigned calls the function fn with a signature, as a server in cloud mode does.
func callSigned(t *testing.T, app *inngestkit.App, e envelope) *inngestkit.Response {
	t.Helper()
	req := callRequest(t, e)
	return app.Do(t.Context(), withHeader(req, "X-Inngest-Signature", sign(t, signingKey, e.json(t), time.Now())))
}

// requireHashed checks that a request carries the hash of a key.
func requireHashed(t *testing.T, r *http.Request, key string) {
	t.Helper()
	got := r.Header.Get("Authorization")
	require.Regexp(t, `^Bearer signkey-test-[0-9a-f]{64}$`, got)
	require.NotContains(t, got, key[13:])
}

// Guard: the SDK sends checkpoints with the signing key exactly as configured, so it gets
// the hashed key. The key itself never leaves the process.
func TestKeysLeaveHashed(t *testing.T) { //nolint:paralleltest // the SDK's checkpoints go through http.DefaultTransport, whose connections other tests close
	refused := func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	checkpointed := func(ctx context.Context, _ input) (any, error) { return nil, stepOf("a", new(string))(ctx) }
	t.Run("checkpoints", func(t *testing.T) {
		server := newAPI(t, refused)
		config := cloud
		config.BaseURL = server.URL
		app, _ := newAppWith(t, config, onSignUp(checkpointed, flow.Checkpoint()))
		requireHashedFallback(t, server, callSigned(t, app, signUpEnvelope(user{})))
	})
	t.Run("checkpoints of adopted functions", func(t *testing.T) {
		server := newAPI(t, refused)
		client, _ := sdkClient(t, signing, func(o *inngestgo.ClientOpts) { o.APIBaseURL = &server.URL })
		_, err := inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn", Checkpoint: checkpoint.ConfigSafe},
			inngestgo.EventTrigger("user/signed-up", nil), checkpointed)
		require.NoError(t, err)
		app, err := inngestkit.FromClient(client)
		require.NoError(t, err)
		requireHashedFallback(t, server, callSigned(t, app, signUpEnvelope(user{})))
	})
}

// requireHashedFallback checks that the single checkpoint of a call was sent with the
// signing key first, which the server refuses, and then with the fallback key.
func requireHashedFallback(t *testing.T, server *api, resp *inngestkit.Response) {
	t.Helper()
	require.Equal(t, http.StatusOK, resp.Status, "%s", resp.Body)
	requests, _ := server.seen()
	require.Len(t, requests, 2)
	requireHashed(t, requests[0], signingKey)
	requireHashed(t, requests[1], fallbackKey)
	require.NotEqual(t, requests[0].Header.Get("Authorization"), requests[1].Header.Get("Authorization"))
}
