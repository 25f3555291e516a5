package inngesttest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

type order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
}

type approval struct {
	OrderID string `json:"orderId"`
	By      string `json:"by"`
}

var (
	ordered  = inngestkit.DefineEvent[order]("shop/order.placed")
	approved = inngestkit.DefineEvent[approval]("shop/order.approved")
	shipped  = inngestkit.DefineEvent[order]("shop/order.shipped")
)

// orders has a function with a step, a wait and an event to another function.
func orders() (inngestkit.TypedFunction[order, string], inngestkit.TypedFunction[order, int]) {
	fulfill := inngestkit.OnEvent("fulfill", ordered, func(ctx context.Context, in inngestkit.Input[order]) (string, error) {
		receipt, err := step.Run(ctx, "charge", func(context.Context) (string, error) { return "receipt of " + in.Event.Data.ID, nil })
		if err != nil {
			return "", err
		}
		approval, err := step.WaitForEvent(ctx, "approval", approved, step.Timeout(time.Hour),
			step.If("async.data.orderId == event.data.id"))
		if errors.Is(err, step.ErrTimeout) {
			return "expired", nil
		}
		if err != nil {
			return "", err
		}
		if _, err := step.SendEvent(ctx, "ship", shipped.New(in.Event.Data)); err != nil {
			return "", err
		}
		return receipt + ", approved by " + approval.Data.By, nil
	})
	count := inngestkit.OnEvent("count", shipped, func(_ context.Context, in inngestkit.Input[order]) (int, error) {
		return in.Event.Data.Amount, nil
	})
	return fulfill, count
}

// The same test runs on the virtual engine and on the real server in both versions.
func TestTargets(t *testing.T) {
	t.Parallel()
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			fulfill, count := orders()
			env.Register(fulfill, count)

			run := inngesttest.Start(env, fulfill, order{ID: "o1", Amount: 3})
			env.Send(approved.New(approval{OrderID: "o2", By: "bob"}), approved.New(approval{OrderID: "o1", By: "ann"}))
			require.Equal(t, "receipt of o1, approved by ann", run.Wait().Output())
			require.Equal(t, inngesttest.RunCompleted, run.Status())
			require.NoError(t, run.Err())
			require.Equal(t, "receipt of o1", inngesttest.StepOutput[string](run, "charge"))
			require.Equal(t, "ann", inngesttest.StepOutput[inngestkit.Event[approval]](run, "approval").Data.By)
			require.Equal(t, 1, run.Step("charge").Attempts)
			require.Len(t, run.Steps(), 3)
			require.Equal(t, order{ID: "o1", Amount: 3}, inngesttest.EventsOf(run, ordered)[0].Data)
			require.Contains(t, run.Timeline(), "approval")

			counts := env.Runs(count)
			require.Len(t, counts, 1)
			require.JSONEq(t, "3", string(counts[0].Wait().OutputJSON()))
			require.Len(t, inngesttest.EventsOf(env, shipped), 1)
			require.Len(t, env.Runs(nil), 2)
		})
	}
}

// Failures, retries and cancellations are the same on all targets.
func TestTargetsFailures(t *testing.T) {
	t.Parallel()
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			tries := 0
			flaky := inngestkit.OnEvent("flaky", ordered, func(ctx context.Context, _ inngestkit.Input[order]) (string, error) {
				if _, err := step.Run(ctx, "unsteady", func(context.Context) (int, error) {
					if tries++; tries == 1 {
						return 0, errors.New("not yet")
					}
					return tries, nil
				}); err != nil {
					return "", err
				}
				return step.Run(ctx, "hopeless", func(context.Context) (string, error) {
					return "", inngestkit.NoRetry(errors.New("no stock"))
				})
			})
			sleepy := inngestkit.OnEvent("sleepy", shipped, func(ctx context.Context, _ inngestkit.Input[order]) (any, error) {
				step.Sleep(ctx, "long", time.Hour)
				return nil, nil
			})
			env.Register(flaky, sleepy)

			run := inngesttest.Start(env, flaky, order{ID: "o1"}).Wait()
			require.Equal(t, inngesttest.RunFailed, run.Status())
			require.ErrorContains(t, run.Err(), "no stock")
			require.Equal(t, 2, run.Step("unsteady").Attempts)
			require.ErrorContains(t, run.Step("hopeless").Err, "no stock")

			asleep := inngesttest.Start(env, sleepy, order{})
			env.Settle()
			require.Equal(t, inngesttest.RunRunning, asleep.Status())
			require.Len(t, asleep.Waiting(), 1)
			asleep.Cancel()
			require.Equal(t, inngesttest.RunCancelled, asleep.Wait().Status())
			require.Error(t, asleep.Err())
		})
	}
}

// Signals, and functions that no event starts, are the same on all targets.
func TestTargetsInvocations(t *testing.T) {
	t.Parallel()
	for name, target := range inngesttest.Targets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := target(t)
			report := inngestkit.OnCron("report", "0 0 1 1 *", func(ctx context.Context, in inngestkit.CronInput) (string, error) {
				by, err := step.WaitForSignal[string](ctx, "approval", "approve "+in.Event.Data.Cron, step.Timeout(time.Hour))
				return in.Event.Data.Cron + " approved by " + by, err
			})
			env.Register(report)

			first := inngesttest.Start(env, report, inngestkit.CronData{Cron: "first"})
			second := inngesttest.Start(env, report, inngestkit.CronData{Cron: "second"})
			env.Signal("approve second", "bob")
			env.Signal("approve first", "ann")
			require.Equal(t, "first approved by ann", first.Wait().Output())
			require.Equal(t, "second approved by bob", second.Wait().Output())
			require.JSONEq(t, `{"data":"ann","signal":"approve first"}`, string(first.Step("approval").Output))
			require.Empty(t, env.Events())
		})
	}
}
