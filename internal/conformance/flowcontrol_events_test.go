package conformance

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

var (
	debounced  = inngestkit.DefineEvent[user]("flow/debounced")
	impatient  = inngestkit.DefineEvent[user]("flow/impatient")
	inOrder    = inngestkit.DefineEvent[user]("flow/ordered")
	filled     = inngestkit.DefineEvent[user]("flow/filled")
	unfilled   = inngestkit.DefineEvent[user]("flow/unfilled")
	batchKeyed = inngestkit.DefineEvent[user]("flow/batch-keyed")
	batchIf    = inngestkit.DefineEvent[user]("flow/batch-if")
	also       = inngestkit.DefineEvent[map[string]string]("flow/also")
)

// batch is a function that returns the IDs of its events.
func batch(_ context.Context, in input) (string, error) {
	ids := make([]string, len(in.Events))
	for i, e := range in.Events {
		ids[i] = e.Data.ID
	}
	return strings.Join(ids, ","), nil
}

var eventScenarios = []scenario{
	{
		name: "debounce runs once, with the last event",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("debounced", debounced, func(_ context.Context, in input) (string, error) {
				c.Add("called")
				return in.Event.Data.ID, nil
			}, flow.Debounce(20*time.Second))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			// A long period, so that a busy server sees all of them within it. One by one: v1.43.0
			// may start no run at all for the first events of a debounce if it sees them at the
			// same time ("queue item already exists" in its log).
			var ids []string
			for _, id := range []string{"1", "2", "3"} {
				ids = append(ids, testsite.Send(t, s.app, debounced.New(user{ID: id})))
				s.letPass(t)
			}
			run := s.ended(t, ids[2])
			require.Equal(t, devserver.RunCompleted, run.Status)
			require.Equal(t, `"3"`, string(run.Output))
			s.letPass(t)
			s.noRuns(t, ids[:2]...)
			require.Equal(t, 1, c.Of("called"))
		},
	},
	{
		name: "events that keep arriving postpone a debounce up to its timeout",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("impatient", impatient, seen(c),
				flow.Debounce(5*time.Second, flow.Timeout(5*time.Second)))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			// More often than the period, so that without a timeout nothing would run, but less
			// often than every second, or the oldest server continues to postpone: at the
			// timeout it still gives a debounce 2 s from the last event on
			// (pkg/execution/debounce of v1.12.1, updateDebounce).
			before := time.Now()
			testsite.Eventually(t, 2*time.Second, func() bool {
				s.send(t, impatient.New(user{}))
				return c.Of("") > 0
			})
			require.GreaterOrEqual(t, time.Since(before), 5*time.Second)
		},
	},
	{
		name: "a batch that fills runs before its timeout",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("filled", filled, batch, flow.BatchEvents(3, time.Hour))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			// Newer servers notice that a batch is full only if the events arrive together
			// (pkg/execution/batch of v1.43.0, handleScheduling).
			x := user{ID: "x"}
			ids, err := s.app.Send(testsite.Within(t), filled.New(x), filled.New(x), filled.New(x))
			require.NoError(t, err)
			// The run belongs to the event that the server received first.
			runs, err := s.server.AwaitRunsOf(testsite.Within(t), "flow-filled", 1)
			require.NoError(t, err)
			completed(t, runs)
			require.Contains(t, ids, runs[0].EventID)
			require.Equal(t, `"x,x,x"`, string(runs[0].Output))
		},
	},
	{
		name: "a batch has its events in order, and no more than its size",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("in-order", inOrder, batch, flow.BatchEvents(3, 15*time.Second))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			// The server processes events that arrive together in any order.
			var ids []string
			for _, id := range []string{"1", "2", "3", "4"} {
				ids = append(ids, s.send(t, inOrder.New(user{ID: id})))
				s.letPass(t)
			}
			run := s.ended(t, ids[0])
			require.Equal(t, devserver.RunCompleted, run.Status)
			require.Equal(t, `"1,2,3"`, string(run.Output))
			require.Equal(t, `"4"`, string(s.ended(t, ids[3]).Output))
		},
	},
	{
		name: "a batch that does not fill runs after its timeout",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("unfilled", unfilled, batch, flow.BatchEvents(100, 3*time.Second))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			before := time.Now()
			_, err := s.app.Send(testsite.Within(t), unfilled.New(user{ID: "x"}), unfilled.New(user{ID: "x"}))
			require.NoError(t, err)
			// The run belongs to the event that the server received first.
			runs, err := s.server.AwaitRunsOf(testsite.WithinTime(t, longTimeout), "flow-unfilled", 1)
			require.NoError(t, err)
			require.Len(t, runs, 1)
			require.Equal(t, `"x,x"`, string(runs[0].Output))
			require.GreaterOrEqual(t, runs[0].EndedAt.Sub(before), 2900*time.Millisecond)
		},
	},
	{
		name: "each key has its own batch",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("batch-keyed", batchKeyed, batch,
				flow.BatchEvents(2, time.Hour, flow.Key("event.data.id")))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			a, b := batchKeyed.New(user{ID: "a"}), batchKeyed.New(user{ID: "b"})
			_, err := s.app.Send(testsite.Within(t), a, b, a, b)
			require.NoError(t, err)
			runs, err := s.server.AwaitRunsOf(testsite.Within(t), "flow-batch-keyed", 2)
			require.NoError(t, err)
			require.Len(t, runs, 2)
			require.ElementsMatch(t, []string{`"a,a"`, `"b,b"`}, []string{string(runs[0].Output), string(runs[1].Output)})
		},
	},
	{
		name: "an event that does not fit a batch runs alone",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("batch-if", batchIf, batch,
				flow.BatchEvents(2, time.Hour, flow.If("event.data.plan == 'free'")))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			fits, alone := batchIf.New(user{ID: "x", Plan: "free"}), batchIf.New(user{ID: "y", Plan: "pro"})
			_, err := s.app.Send(testsite.Within(t), fits, alone, fits)
			require.NoError(t, err)
			runs, err := s.server.AwaitRunsOf(testsite.Within(t), "flow-batch-if", 2)
			require.NoError(t, err)
			require.Len(t, runs, 2)
			require.ElementsMatch(t, []string{`"x,x"`, `"y"`}, []string{string(runs[0].Output), string(runs[1].Output)})
		},
	},
	{
		name: "an event and a schedule start the same function",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("also",
				inngestkit.AnyOfTypes(also, inngestkit.Cron("* * * * *")),
				func(_ context.Context, in inngestkit.Input[any]) (string, error) {
					data, _ := in.Event.Data.(inngestkit.CronData)
					return in.Event.Name + " " + data.Cron, nil
				}, inngestkit.TimeZone("Europe/Paris"), inngestkit.Jitter(time.Second))}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			require.Equal(t, `"flow/also "`, string(s.run(t, also.New(nil)).Output))
			runs, err := s.server.AwaitRunsOf(testsite.WithinTime(t, longTimeout), "flow-also", 2)
			require.NoError(t, err)
			require.Contains(t, []string{string(runs[0].Output), string(runs[1].Output)},
				`"inngest/scheduled.timer TZ=Europe/Paris * * * * *"`)
		},
	},
}
