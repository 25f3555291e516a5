package conformance

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A dev server that is restarted has forgotten its apps. A running app announces itself
// again, and its functions run, including those registered in the meantime.
func TestDevServerIsRestarted(t *testing.T) {
	t.Parallel()
	started := inngestkit.DefineEvent[user]("user/started")
	onStart := func(id string) inngestkit.Function {
		return inngestkit.OnEvent(id, started, func(_ context.Context, in input) (string, error) {
			return in.Event.Data.ID, nil
		})
	}
	server := testsite.NewServer(t)
	i := serve(t, server, adapters[0], "resynced", "", onStart("first"))
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "resynced-first"))

	require.NoError(t, server.Stop())
	server = testsite.NewServerAt(t, server.URL())
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "resynced-first"))
	(&site{i, server}).completed(t, started.New(user{ID: "u1"}))

	require.NoError(t, i.app.Register(onStart("second")))
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "resynced-first", "resynced-second"))
	runs, err := server.AwaitRuns(testsite.Within(t), (&site{i, server}).send(t, started.New(user{ID: "u2"})), 2)
	require.NoError(t, err)
	for _, run := range runs {
		require.Equal(t, devserver.RunCompleted, run.Status)
		require.Equal(t, `"u2"`, string(run.Output))
	}
}
