package conformance

import (
	"context"
	"testing"
	"time"

	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestSignalOnRealServer(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	paused := inngestkit.DefineEvent[user]("user/paused")
	s := &site{serve(t, server, adapters[0], "shop", "", inngestkit.OnEvent("pause", paused,
		func(ctx context.Context, in input) (string, error) {
			got, err := sdkstep.WaitForSignal[user](ctx, "approval", sdkstep.WaitForSignalOpts{
				Signal: "approve " + in.Event.Data.ID, Timeout: time.Minute,
			})
			return got.Data.Plan, err
		})), server}
	id := s.send(t, paused.New(user{ID: "u/1"}))
	_, err := server.AwaitStep(testsite.Within(t), id, "approval")
	require.NoError(t, err)

	err = s.app.SendSignal(testsite.Within(t), "approve somebody else", user{})
	require.ErrorIs(t, err, inngestkit.ErrNoSignalWaiter)
	require.NoError(t, s.app.SendSignal(testsite.Within(t), "approve u/1", user{Plan: "pro"}))
	runs, err := server.AwaitRuns(testsite.Within(t), id, 1)
	require.NoError(t, err)
	require.Equal(t, devserver.RunCompleted, runs[0].Status, "%s", runs[0].Output)
	require.Equal(t, `"pro"`, string(runs[0].Output))
	err = s.app.SendSignal(testsite.Within(t), "approve u/1", user{})
	require.ErrorIs(t, err, inngestkit.ErrNoSignalWaiter, "the run was resumed already")
}
