package conformance

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

var (
	limited    = inngestkit.DefineEvent[user]("flow/limited")
	keyed      = inngestkit.DefineEvent[user]("flow/keyed")
	sharedA    = inngestkit.DefineEvent[user]("flow/shared-a")
	sharedB    = inngestkit.DefineEvent[user]("flow/shared-b")
	twoLimits  = inngestkit.DefineEvent[user]("flow/two-limits")
	runsLimits = inngestkit.DefineEvent[user]("flow/runs-limits")
)

// visits returns a function whose calls stay in a gauge until n are there at once.
func visits(c *counter, g *gauge, n int) func(context.Context, input) (any, error) {
	return func(ctx context.Context, in input) (any, error) {
		c.Add(in.Event.Data.ID)
		return nil, g.visit(ctx, n)
	}
}

func completed(t *testing.T, runs []devserver.Run) {
	t.Helper()
	for _, run := range runs {
		require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	}
}

var limitScenarios = []scenario{
	func() scenario {
		var g gauge
		return scenario{
			name: "20 events through a concurrency of 2",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("limited", limited, visits(c, &g, 2), flow.Concurrency(2))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				completed(t, s.allEnded(t, s.sendAll(t, limited, make([]user, 20)...)...))
				require.Equal(t, 20, c.Of(""))
				require.Equal(t, 2, g.peak())
			},
		}
	}(),
	func() scenario {
		var all gauge
		of := map[string]*gauge{"a": {}, "b": {}}
		return scenario{
			name: "a concurrency of 1 for each key: two keys side by side",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("keyed", keyed, func(ctx context.Context, in input) (any, error) {
					c.Add(in.Event.Data.ID)
					g := of[in.Event.Data.ID]
					g.add(1)
					defer g.add(-1)
					return nil, all.visit(ctx, 2)
				}, flow.Concurrency(1, flow.Key("event.data.id")))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				a, b := user{ID: "a"}, user{ID: "b"}
				completed(t, s.allEnded(t, s.sendAll(t, keyed, a, a, a, b, b, b)...))
				require.Equal(t, []int{3, 3}, []int{c.Of("a"), c.Of("b")})
				require.Equal(t, []int{2, 1, 1}, []int{all.peak(), of["a"].peak(), of["b"].peak()})
			},
		}
	}(),
	func() scenario {
		var g gauge
		return scenario{
			name: "two functions share a concurrency",
			functions: func(c *counter) []inngestkit.Function {
				shared := flow.Concurrency(1, flow.Key(`"shared"`), flow.Scope(flow.ScopeAccount))
				return []inngestkit.Function{
					inngestkit.OnEvent("shared-a", sharedA, visits(c, &g, 1), shared),
					inngestkit.OnEvent("shared-b", sharedB, visits(c, &g, 1), shared),
				}
			},
			check: func(t *testing.T, s *site, c *counter) {
				three := []user{{ID: "1"}, {ID: "2"}, {ID: "3"}}
				completed(t, s.allEnded(t, append(s.sendAll(t, sharedA, three...), s.sendAll(t, sharedB, three...)...)...))
				require.Equal(t, []int{2, 2, 2}, []int{c.Of("1"), c.Of("2"), c.Of("3")})
				require.Equal(t, 1, g.peak())
			},
		}
	}(),
	func() scenario {
		var all gauge
		of := map[string]*gauge{"a": {}, "b": {}, "c": {}}
		return scenario{
			name: "a concurrency of 2, and of 1 for each key",
			functions: func(*counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("two-limits", twoLimits, func(ctx context.Context, in input) (any, error) {
					g := of[in.Event.Data.ID]
					g.add(1)
					defer g.add(-1)
					return nil, all.visit(ctx, 2)
				}, flow.Concurrency(2), flow.Concurrency(1, flow.Key("event.data.id")))}
			},
			check: func(t *testing.T, s *site, _ *counter) {
				a, b, c := user{ID: "a"}, user{ID: "b"}, user{ID: "c"}
				completed(t, s.allEnded(t, s.sendAll(t, twoLimits, a, b, c, a, b, c)...))
				require.Equal(t, []int{2, 1, 1, 1}, []int{all.peak(), of["a"].peak(), of["b"].peak(), of["c"].peak()})
			},
		}
	}(),
	func() scenario {
		var g gauge
		return scenario{
			// The oldest server does not know limits on runs. It reads their object as one limit
			// on steps (Concurrency in pkg/inngest/concurrency.go of v1.12.1), which must not be
			// lost.
			name: "a limit on runs leaves the limit on steps in force",
			functions: func(c *counter) []inngestkit.Function {
				return []inngestkit.Function{inngestkit.OnEvent("runs-limits", runsLimits, visits(c, &g, 2),
					flow.FnConcurrency(5), flow.Concurrency(2))}
			},
			check: func(t *testing.T, s *site, c *counter) {
				completed(t, s.allEnded(t, s.sendAll(t, runsLimits, make([]user, 6)...)...))
				require.Equal(t, 6, c.Of(""))
				require.Equal(t, 2, g.peak())
			},
		}
	}(),
}
