package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

var (
	asleep      = inngestkit.DefineEvent[user]("flow/asleep")
	woken       = inngestkit.DefineEvent[user]("flow/woken")
	brieflyOpen = inngestkit.DefineEvent[user]("flow/briefly-open")
	lateStart   = inngestkit.DefineEvent[user]("flow/late-start")
	lateFinish  = inngestkit.DefineEvent[user]("flow/late-finish")
)

// sleeps returns a function that sleeps for an hour.
func sleeps(c *counter) func(context.Context, input) (any, error) {
	return func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "sleep", time.Hour)
		return c.Counted(ctx, "awake")
	}
}

// sleeping sends an event and waits until its run sleeps.
func (s *site) sleeping(t *testing.T, event inngestkit.AnyEvent) (eventID string) {
	t.Helper()
	id := s.send(t, event)
	_, err := s.server.AwaitStep(testsite.Within(t), id, "sleep")
	require.NoError(t, err)
	return id
}

var cancelScenarios = []scenario{
	{
		name: "only the matching event cancels a sleeping run",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("asleep", asleep, sleeps(c),
				flow.CancelOn(woken, flow.Match("data.id"), flow.If("async.data.plan != 'none'")),
				flow.CancelOn(flow.EventNamed("flow/shut-down"), flow.If("event.data.plan == 'free'")))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			first := s.sleeping(t, asleep.New(user{ID: "1", Plan: "pro"}))
			second := s.sleeping(t, asleep.New(user{ID: "2", Plan: "free"}))
			s.sendAll(t, woken, user{ID: "other"}, user{ID: "1", Plan: "none"}, user{ID: "2", Plan: "none"})
			s.letPass(t)
			require.Equal(t, devserver.RunRunning, s.status(t, first))
			require.Equal(t, devserver.RunRunning, s.status(t, second))

			s.send(t, woken.New(user{ID: "1"}))
			require.Equal(t, devserver.RunCancelled, s.ended(t, first).Status)
			require.Equal(t, devserver.RunRunning, s.status(t, second))

			s.send(t, inngestkit.DefineEvent[user]("flow/shut-down").New(user{}))
			require.Equal(t, devserver.RunCancelled, s.ended(t, second).Status)
			require.Zero(t, c.Of("awake"))
		},
	},
	{
		name: "an event after the timeout cancels nothing",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("briefly-open", brieflyOpen, sleeps(c),
				flow.CancelOn(flow.EventNamed("flow/too-late"), flow.Timeout(time.Second)))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			id := s.sleeping(t, brieflyOpen.New(user{}))
			s.letPass(t)
			s.send(t, inngestkit.DefineEvent[user]("flow/too-late").New(user{}))
			s.letPass(t)
			require.Equal(t, devserver.RunRunning, s.status(t, id))
		},
	},
	{
		name: "a run that does not finish in time is cancelled",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("late-finish", lateFinish, sleeps(c), flow.FinishTimeout(2*time.Second))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			require.Equal(t, devserver.RunCancelled, s.run(t, lateFinish.New(user{})).Status)
			require.Zero(t, c.Of("awake"))
		},
	},
	func() scenario {
		busy := newGate()
		return scenario{
			name: "a run that does not start in time is cancelled",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("late-start", lateStart, func(ctx context.Context, in input) (any, error) {
					c.Add(in.Event.Data.ID)
					return nil, busy.wait(ctx)
				}, flow.Concurrency(1), flow.StartTimeout(5*time.Second))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				first := s.send(t, lateStart.New(user{ID: "first"}))
				c.Await(t, "first")
				require.Equal(t, devserver.RunCancelled, s.run(t, lateStart.New(user{ID: "second"})).Status)
				close(busy.open)
				completed(t, s.allEnded(t, first))
				require.Zero(t, c.Of("second"))
			},
		}
	}(),
}
