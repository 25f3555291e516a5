package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// failureScenarios show what happens when a run fails.
var failureScenarios = []scenario{
	{
		name: "a failure handler gets the failed run, once",
		functions: func(c *counter) []inngestkit.Function {
			handle := func(ctx context.Context, in inngestkit.Input[inngestkit.FailedRun[user]]) (any, error) {
				failed := in.Event.Data
				if _, err := c.Counted(ctx, "told "+failed.RunID); err != nil {
					return nil, err
				}
				return map[string]any{
					"function": failed.FunctionID, "run": failed.RunID, "error": failed.Error.Message,
					"event": failed.Event.Name, "user": failed.Event.Data.ID, "events": len(failed.Events),
				}, nil
			}
			return []inngestkit.Function{
				onUser("doomed", "user/doomed", func(_ context.Context, in input) (string, error) {
					c.Add("tried " + in.Event.Data.ID)
					return "", errors.New("doomed")
				}, flow.Retries(1), inngestkit.OnFailure(handle)),
				onUser("doomed-step", "user/doomed-step", func(ctx context.Context, _ input) (string, error) {
					return step.Run(ctx, "fail", func(context.Context) (string, error) {
						return "", inngestkit.NoRetry(errors.New("doomed in a step"))
					})
				}, inngestkit.OnFailure(handle)),
				onUser("doomed-alone", "user/doomed-alone", func(context.Context, input) (string, error) {
					return "", inngestkit.NoRetry(errors.New("doomed without a handler"))
				}),
				onUser("saved", "user/saved", func(_ context.Context, in input) (string, error) {
					if c.Add("saved") == 1 {
						return "", errors.New("not yet")
					}
					return in.Event.Data.ID, nil
				}, inngestkit.OnFailure(func(context.Context, inngestkit.Input[inngestkit.FailedRun[user]]) (string, error) {
					c.Add("not saved")
					return "", nil
				})),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			require.Equal(t, devserver.RunCompleted, s.run(t, userEvent("user/saved").New(user{ID: "u0"})).Status)
			require.Equal(t, devserver.RunFailed, s.run(t, userEvent("user/doomed-alone").New(user{ID: "u0"})).Status)
			for _, tc := range []struct{ function, user, message string }{
				{"doomed", "u1", "doomed"},
				{"doomed-step", "u2", "doomed in a step"},
			} {
				run := s.run(t, userEvent("user/"+tc.function).New(user{ID: tc.user}))
				require.Equal(t, devserver.RunFailed, run.Status)
				handled, err := s.server.AwaitRunsOf(testsite.Within(t), "shop-"+tc.function+"-failure", 1)
				require.NoError(t, err)
				require.Len(t, handled, 1)
				require.Equal(t, devserver.RunCompleted, handled[0].Status)
				require.Equal(t, map[string]any{
					"function": "shop-" + tc.function, "run": run.RunID, "error": tc.message,
					"event": "user/" + tc.function, "user": tc.user, "events": 1.0,
				}, decoded[map[string]any](t, handled[0].Output))
				require.Equal(t, 1, c.Of("told "+run.RunID))
			}
			require.Equal(t, 2, c.Of("tried u1"))
			require.Zero(t, c.Of("not saved"))
		},
	},
	{
		name: "a failure handler runs after the largest event and a huge error",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{
				onUser("huge", "user/huge", func(context.Context, input) (string, error) {
					return "", inngestkit.NoRetry(errors.New(strings.Repeat("x", 4<<20)))
				}, inngestkit.OnFailure(func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[user]]) ([]int, error) {
					return []int{len(in.Event.Data.Event.Data.URL), len(in.Event.Data.Error.Message)}, nil
				})),
			}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			size := 3<<20 - 1<<10
			if s.with.largestFailed > 0 {
				size = s.with.largestFailed
			}
			require.Equal(t, devserver.RunFailed, s.run(t, userEvent("user/huge").New(user{URL: strings.Repeat("u", size)})).Status)
			handled, err := s.server.AwaitRunsOf(testsite.Within(t), "shop-huge-failure", 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunCompleted, handled[0].Status)
			lengths := decoded[[]int](t, handled[0].Output)
			require.Equal(t, size, lengths[0])
			require.Greater(t, lengths[1], 256<<10)
		},
	},
	{
		name: "a function runs when another one is cancelled by its timeout",
		functions: func(c *counter) []inngestkit.Function {
			cancelled := inngestkit.DefineEvent[inngestkit.FailedRun[user]]("inngest/function.cancelled")
			return []inngestkit.Function{
				onUser("timely", "user/timely", func(ctx context.Context, _ input) (string, error) {
					step.Sleep(ctx, "nap", time.Hour)
					return "", nil
				}, flow.FinishTimeout(2*time.Second), inngestkit.OnFailure(
					func(context.Context, inngestkit.Input[inngestkit.FailedRun[user]]) (string, error) {
						c.Add("failed")
						return "", nil
					})),
				inngestkit.OnEvent("timely-cancelled", cancelled.If(`event.data.function_id == "shop-timely"`),
					func(_ context.Context, in inngestkit.Input[inngestkit.FailedRun[user]]) ([]string, error) {
						return []string{in.Event.Data.RunID, in.Event.Data.Event.Data.ID}, nil
					}),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/timely").New(user{ID: "u1"}))
			require.Equal(t, devserver.RunCancelled, run.Status)
			handled, err := s.server.AwaitRunsOf(testsite.Within(t), "shop-timely-cancelled", 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunCompleted, handled[0].Status)
			require.Equal(t, []string{run.RunID, "u1"}, decoded[[]string](t, handled[0].Output))
			require.Zero(t, c.Of("failed"))
		},
	},
}
