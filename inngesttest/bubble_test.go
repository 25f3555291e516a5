package inngesttest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// A call that takes time goes on, and keeps its context, when Settle or Advance returns.
func TestCallOutlastsAdvance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type order struct{ ID string }
		slow := inngestkit.OnEvent("slow", inngestkit.DefineEvent[order]("slow"), func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
			return step.Run(ctx, "sleep", func(ctx context.Context) (string, error) {
				select {
				case <-time.After(time.Minute):
					return "slept", nil
				case <-ctx.Done():
					return "", context.Cause(ctx)
				}
			})
		})
		e := inngesttest.Virtual(t)
		e.Register(slow)
		run := inngesttest.Start(e, slow, order{})
		e.Settle()
		e.Advance(10 * time.Second)
		require.Equal(t, inngesttest.RunRunning, run.Status())
		require.Equal(t, "slept", run.Wait().Output())
		require.Equal(t, time.Minute, e.Elapsed())
	})
}
