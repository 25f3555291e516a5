package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// An app that is restarted in the middle of a run, as in a deployment, finishes
// the run, and what has run does not run again.
func TestRestartInMidRun(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		server := newServer(t)
		started := inngestkit.NewEvent[user]("user/started")
		function := func(c *counter) inngestkit.Function {
			return inngestkit.OnEvent("long", started, func(ctx context.Context, in input) (string, error) {
				if _, err := c.counted(ctx, "before"); err != nil {
					return "", err
				}
				step.Sleep(ctx, "restart meanwhile", 2*time.Second)
				if _, err := c.counted(ctx, "after"); err != nil {
					return "", err
				}
				return in.Event.Data.ID, nil
			}, flow.Retries(20)) // calls that meet nobody count as tries
		}
		var first, second counter
		old := &site{serve(t, server, with, "restart", "", function(&first)), server}
		id := old.send(t, started.New(user{ID: "u1"}))
		first.await(t, "before")
		old.stop()

		serve(t, server, with, "restart", old.addr, function(&second))
		runs, err := server.AwaitRuns(within(t), id, 1)
		require.NoError(t, err)
		require.Equal(t, inngesttest.Completed, runs[0].Status)
		require.Equal(t, `"u1"`, string(runs[0].Output))
		require.Equal(t, []int{1, 0}, []int{first.of("before"), first.of("after")})
		require.Equal(t, []int{0, 1}, []int{second.of("before"), second.of("after")})
	})
}
