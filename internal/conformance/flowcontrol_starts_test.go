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
	throttled   = inngestkit.DefineEvent[user]("flow/throttled")
	bursting    = inngestkit.DefineEvent[user]("flow/bursting")
	rateLimited = inngestkit.DefineEvent[user]("flow/rate-limited")
	prioritised = inngestkit.DefineEvent[user]("flow/prioritised")
	skipping    = inngestkit.DefineEvent[user]("flow/skipping")
	replacing   = inngestkit.DefineEvent[user]("flow/replacing")
	idempotent  = inngestkit.DefineEvent[user]("flow/idempotent")
)

// seen returns a function that records the ID it was called with.
func seen(c *counter) func(context.Context, input) (any, error) {
	return func(_ context.Context, in input) (any, error) { c.Add(in.Event.Data.ID); return nil, nil }
}

var startScenarios = []scenario{
	func() scenario {
		var starts order
		return scenario{
			name: "throttle spaces starts",
			functions: func(*counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("throttled", throttled, func(_ context.Context, in input) (any, error) {
					starts.add(in.Event.Data.ID)
					return nil, nil
				}, flow.Throttle(1, time.Second))}
			},
			check: func(t *testing.T, s *site, _ *counter) {
				before := time.Now()
				completed(t, s.allEnded(t, s.sendAll(t, throttled, user{ID: "1"}, user{ID: "2"}, user{ID: "3"})...))
				_, times := starts.all()
				require.Len(t, times, 3)
				// However late one starts, the next waits from the time at which it was released.
				for i, start := range times {
					require.GreaterOrEqual(t, start.Sub(before), time.Duration(i)*900*time.Millisecond, "start %d", i)
				}
			},
		}
	}(),
	{
		name: "burst lets more start at once",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("bursting", bursting, seen(c), flow.Throttle(1, 24*time.Hour, flow.Burst(3)))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			atOnce := 1 + 3
			if oldest(s.server) { // it multiplies the burst
				atOnce = 1 * 3
			}
			for range atOnce {
				completed(t, []devserver.Run{s.run(t, bursting.New(user{}))})
			}
			next := s.send(t, bursting.New(user{}))
			s.scheduled(t, next)
			s.letPass(t)
			require.Equal(t, devserver.RunRunning, s.status(t, next), "the run waits for its turn")
			require.Equal(t, atOnce, c.Of(""))
		},
	},
	{
		name: "rate limit drops events, by key",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("rate-limited", rateLimited, seen(c),
				flow.RateLimit(1, 24*time.Hour, flow.Key("event.data.id")))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			completed(t, []devserver.Run{s.run(t, rateLimited.New(user{ID: "a"}))})
			dropped := s.send(t, rateLimited.New(user{ID: "a"}))
			completed(t, []devserver.Run{s.run(t, rateLimited.New(user{ID: "b"}))})
			s.letPass(t)
			s.noRuns(t, dropped)
			require.Equal(t, []int{1, 1}, []int{c.Of("a"), c.Of("b")})
		},
	},
	{
		name: "idempotency starts one run for each value",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("idempotent", idempotent, seen(c), flow.Idempotency("event.data.id"))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			completed(t, []devserver.Run{s.run(t, idempotent.New(user{ID: "a"}))})
			again := s.send(t, idempotent.New(user{ID: "a", Plan: "pro"}))
			completed(t, []devserver.Run{s.run(t, idempotent.New(user{ID: "b"}))})
			s.letPass(t)
			s.noRuns(t, again)
			require.Equal(t, []int{1, 1}, []int{c.Of("a"), c.Of("b")})
		},
	},
	func() scenario {
		var starts order
		busy := newGate()
		return scenario{
			name: "waiting runs with a higher priority start first",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("prioritised", prioritised, func(ctx context.Context, in input) (any, error) {
					starts.add(in.Event.Data.ID)
					c.Add(in.Event.Data.ID)
					if in.Event.Data.ID == "blocker" {
						return nil, busy.wait(ctx)
					}
					return nil, nil
				}, flow.Concurrency(1), flow.Priority("event.data.plan == 'pro' ? 600 : 0"))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				ids := s.sendAll(t, prioritised, user{ID: "blocker"})
				c.Await(t, "blocker")
				for _, waiting := range []user{{ID: "1", Plan: "free"}, {ID: "2", Plan: "free"}, {ID: "3", Plan: "pro"}} {
					id := s.send(t, prioritised.New(waiting))
					s.scheduled(t, id)
					ids = append(ids, id)
				}
				close(busy.open)
				completed(t, s.allEnded(t, ids...))
				names, _ := starts.all()
				require.Equal(t, []string{"blocker", "3", "1", "2"}, names)
			},
		}
	}(),
	func() scenario {
		busy := newGate()
		return scenario{
			name: "a singleton skips events while it runs",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("skipping", skipping, func(ctx context.Context, in input) (any, error) {
					c.Add(in.Event.Data.ID + in.Event.Data.Plan)
					return nil, busy.wait(ctx)
				}, flow.Singleton(flow.SingletonSkip, flow.Key("event.data.id")))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				first := s.send(t, skipping.New(user{ID: "a", Plan: "1"}))
				c.Await(t, "a1")
				skipped := s.send(t, skipping.New(user{ID: "a", Plan: "2"}))
				other := s.send(t, skipping.New(user{ID: "b", Plan: "1"}))
				c.Await(t, "b1")
				s.letPass(t)
				s.noRuns(t, skipped)
				close(busy.open)
				completed(t, s.allEnded(t, first, other))
				completed(t, []devserver.Run{s.run(t, skipping.New(user{ID: "a", Plan: "3"}))})
				require.Equal(t, []int{1, 0, 1}, []int{c.Of("a1"), c.Of("a2"), c.Of("a3")})
			},
		}
	}(),
	{
		name: "a singleton cancels its run for a new one",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("replacing", replacing, func(ctx context.Context, in input) (any, error) {
				if in.Event.Data.Plan == "slow" {
					step.Sleep(ctx, "slow", time.Hour)
				}
				return c.Counted(ctx, in.Event.Data.Plan)
			}, flow.Singleton(flow.SingletonCancel, flow.Key("event.data.id")))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			slow := s.sendAll(t, replacing, user{ID: "a", Plan: "slow"}, user{ID: "b", Plan: "slow"})
			for _, id := range slow {
				_, err := s.server.AwaitStep(testsite.Within(t), id, "slow")
				require.NoError(t, err)
			}
			completed(t, []devserver.Run{s.run(t, replacing.New(user{ID: "a", Plan: "quick"}))})
			require.Equal(t, devserver.RunCancelled, s.ended(t, slow[0]).Status)
			require.Equal(t, devserver.RunRunning, s.status(t, slow[1]), "its key is a different one")
			require.Equal(t, []int{0, 1}, []int{c.Of("slow"), c.Of("quick")})
		},
	},
}
