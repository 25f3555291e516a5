package inngesttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// What an event, an output and a record keep is the same on all targets.
func TestTargetsValues(t *testing.T) {
	t.Parallel()
	sent := inngestkit.DefineEvent[map[string]any]("values.sent")
	empty := inngestkit.OnEvent("empty", sent, func(_ context.Context, in inngestkit.Input[map[string]any]) (bool, error) {
		return in.Event.Data == nil, nil
	})
	digits := inngestkit.OnEvent("digits", ordered, func(context.Context, inngestkit.Input[order]) (any, error) {
		return json.RawMessage(`[1.50,616581622363398142]`), nil
	})
	object := inngestkit.OnEvent("object", ordered, func(context.Context, inngestkit.Input[order]) (any, error) {
		return json.RawMessage(`{"n":616581622363398142}`), nil
	})
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			env.Register(empty, digits, object)
			require.True(t, inngesttest.Start(env, empty, nil).Wait().Output())
			run := inngesttest.Start(env, digits, order{}).Wait()
			require.Equal(t, `[1.50,616581622363398142]`, string(run.OutputJSON()))
			other := env.Runs(object)
			require.Len(t, other, 1)
			require.JSONEq(t, `{"n":616581622363398100}`, string(other[0].Wait().OutputJSON()))
		})
	}
}

// A test sends an event once the run waits for it, although a step before was retried.
func TestTargetsReach(t *testing.T) {
	t.Parallel()
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			tries := 0
			f := inngestkit.OnEvent("reach", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
				if _, err := step.Run(ctx, "charge", func(context.Context) (int, error) {
					if tries++; tries == 1 {
						panic("not yet")
					}
					return tries, nil
				}); err != nil {
					return "", err
				}
				step.Sleep(ctx, "nap", time.Second)
				approval, err := step.WaitForEvent(ctx, "approval", approved, step.Timeout(time.Hour))
				if errors.Is(err, step.ErrTimeout) {
					return "expired", nil
				}
				return approval.Data.By, err
			})
			env.Register(f)
			run := inngesttest.Start(env, f, order{ID: "o1"})
			run.Reach("approval")
			env.Send(approved.New(approval{By: "ann"}))
			require.Equal(t, "ann", run.Wait().Output())
			require.Equal(t, 2, run.Step("charge").Attempts)
			require.Len(t, run.Step("charge").Errors, 1)
			require.Zero(t, run.Step("nap").Attempts)
			require.Zero(t, run.Step("approval").Attempts)
		})
	}
}
