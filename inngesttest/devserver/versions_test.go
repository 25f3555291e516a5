package devserver

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two servers of each version and mode run at the same time, and each runs its own app's
// function.
func TestServersOfAllVersionsConcurrently(t *testing.T) {
	t.Parallel()
	const signingKey, eventKey = "signkey-test-0123456789abcdef", "an-event-key"
	type running struct {
		server *Server
		app    *fakeApp
		config Config
	}
	var all []running
	for _, version := range versions {
		// Builds before any deadline starts.
		_, err := Build(t.Context(), version, io.Discard)
		require.NoError(t, err)
		for _, config := range []Config{{}, {}, {SigningKey: signingKey, EventKey: eventKey}} {
			config.Version = version
			var progress bytes.Buffer
			config.Progress = &progress
			app := startFakeApp(t, map[string]fakeFunction{"f": {trigger: onEvent("x"), answer: always(200, version)}})
			s := app.serverFor(config)
			require.Equal(t, version, s.Version())
			require.Empty(t, progress.String(), "there is nothing to warn of")
			all = append(all, running{s, app, config})
		}
	}
	ctx := testContext(t)
	for _, r := range all {
		functions, err := r.server.Functions(ctx)
		require.NoError(t, err)
		require.Len(t, functions, 1)
		id, err := r.server.Send(ctx, "x", nil)
		require.NoError(t, err)
		if r.config.selfHosted() {
			// The fake app does not sign its responses, so the run does not end.
			require.NotEmpty(t, <-r.app.signatures)
			continue
		}
		runs, err := r.server.AwaitRuns(ctx, id, 1)
		require.NoError(t, err)
		require.Len(t, runs, 1)
		require.JSONEq(t, `"`+r.config.Version+`"`, string(runs[0].Output))
	}
}
