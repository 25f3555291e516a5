package conformance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

type user struct {
	ID     string `json:"id"`
	Plan   string `json:"plan,omitempty"`
	Number int64  `json:"number,omitempty"`
	URL    string `json:"url,omitempty"`
}

type input = inngestkit.Input[user]

var (
	signedUp      = inngestkit.DefineEvent[user]("user/signed-up")
	flaky         = inngestkit.DefineEvent[user]("user/flaky")
	hopeless      = inngestkit.DefineEvent[user]("user/hopeless")
	panicky       = inngestkit.DefineEvent[user]("user/panicky")
	tired         = inngestkit.DefineEvent[user]("user/tired")
	asked         = inngestkit.DefineEvent[user]("user/asked")
	answered      = inngestkit.DefineEvent[user]("user/answered")
	askedInVain   = inngestkit.DefineEvent[user]("user/asked-in-vain")
	neverAnswered = inngestkit.DefineEvent[user]("user/never-answered")
	ordered       = inngestkit.DefineEvent[user]("order/placed")
	shipped       = inngestkit.DefineEvent[user]("order/shipped")
	upgraded      = inngestkit.DefineEvent[user]("user/upgraded")
	counted       = inngestkit.DefineEvent[numbers]("user/counted")
)

type numbers struct {
	Count int `json:"count"`
}

var scenarios = []scenario{
	{
		name: "steps run once though the function is called for each",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("steps", signedUp, func(ctx context.Context, in input) (any, error) {
				c.Add("calls")
				out := map[string]string{"user": in.Event.Data.ID}
				for _, id := range []string{"one", "two", "three"} {
					name, err := c.Counted(ctx, id)
					if err != nil {
						return nil, err
					}
					out[id] = name
				}
				return out, nil
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, signedUp.New(user{ID: "u1"}))
			require.JSONEq(t, `{"user":"u1","one":"one","two":"two","three":"three"}`, string(run.Output))
			for _, id := range []string{"one", "two", "three"} {
				require.Equal(t, 1, c.Of(id), "step %s", id)
			}
			require.Greater(t, c.Of("calls"), 1)
		},
	},
	{
		name: "a failing step is retried and its neighbours do not run again",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("flaky", flaky, func(ctx context.Context, _ input) (int, error) {
				if _, err := c.Counted(ctx, "before"); err != nil {
					return 0, err
				}
				tries, err := step.Run(ctx, "flaky", func(context.Context) (int, error) {
					if n := c.Add("flaky"); n > 2 {
						return n, nil
					}
					return 0, errors.New("not yet")
				})
				if err != nil {
					return 0, err
				}
				_, err = c.Counted(ctx, "after")
				return tries, err
			}, flow.Retries(3))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, flaky.New(user{}))
			require.Equal(t, "3", string(run.Output))
			require.Equal(t, []int{1, 3, 1}, []int{c.Of("before"), c.Of("flaky"), c.Of("after")})
		},
	},
	{
		name: "a step without attempts left returns its error, and the function continues",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("hopeless", hopeless, func(ctx context.Context, _ input) (string, error) {
				_, err := step.Run(ctx, "hopeless", func(context.Context) (int, error) {
					c.Add("hopeless")
					return 0, errors.New("no way")
				})
				if stepErr := new(step.Error); errors.As(err, stepErr) {
					return c.Counted(ctx, "instead")
				}
				return "", err
			}, flow.Retries(1))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, hopeless.New(user{}))
			require.Equal(t, `"instead"`, string(run.Output))
			require.Equal(t, []int{2, 1}, []int{c.Of("hopeless"), c.Of("instead")})
		},
	},
	{
		name: "a panic in a step is an error of that step, and retried",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("panicky", panicky, func(ctx context.Context, _ input) (string, error) {
				return step.Run(ctx, "panicky", func(context.Context) (string, error) {
					if c.Add("panicky") == 1 {
						panic("oh")
					}
					return "calm", nil
				})
			}, flow.Retries(1))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, panicky.New(user{}))
			require.Equal(t, `"calm"`, string(run.Output))
			require.Equal(t, 2, c.Of("panicky"))
		},
	},
	{
		name: "sleep",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("tired", tired, func(ctx context.Context, _ input) (string, error) {
				step.Sleep(ctx, "nap", 2*time.Second)
				step.SleepUntil(ctx, "past", time.Unix(0, 0))
				return c.Counted(ctx, "awake")
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, tired.New(user{}))
			require.GreaterOrEqual(t, run.EndedAt.Sub(run.StartedAt), 1900*time.Millisecond)
			require.Equal(t, 1, c.Of("awake"))
		},
	},
	{
		name: "wait for an event that arrives",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("ask", asked, func(ctx context.Context, _ input) (string, error) {
				answer, err := step.WaitForEvent(ctx, "answer", answered,
					step.Timeout(time.Minute), step.Match("data.id"), step.If("async.data.plan != 'none'"))
				return answer.Data.Plan, err
			})}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			id := s.send(t, asked.New(user{ID: "u7"}))
			_, err := s.server.AwaitStep(testsite.Within(t), id, "answer")
			require.NoError(t, err)
			for _, answer := range []user{{ID: "other", Plan: "wrong"}, {ID: "u7", Plan: "none"}, {ID: "u7", Plan: "pro"}} {
				s.send(t, answered.New(answer))
			}
			runs, err := s.server.AwaitRuns(testsite.Within(t), id, 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunCompleted, runs[0].Status)
			require.Equal(t, `"pro"`, string(runs[0].Output))
		},
	},
	{
		name: "wait for an event that does not arrive",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("ask-in-vain", askedInVain, func(ctx context.Context, _ input) (string, error) {
				_, err := step.WaitForEvent(ctx, "answer", neverAnswered, step.Timeout(time.Second))
				if errors.Is(err, step.ErrTimeout) {
					return c.Counted(ctx, "gave up")
				}
				return "", err
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, askedInVain.New(user{}))
			require.Equal(t, `"gave up"`, string(run.Output))
			require.Equal(t, 1, c.Of("gave up"))
		},
	},
	{
		name: "an event sent from a step triggers a second function, once",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{
				inngestkit.OnEvent("order", ordered, func(ctx context.Context, in input) ([]string, error) {
					ids, err := step.SendEvent(ctx, "ship", shipped.New(in.Event.Data))
					if err != nil {
						return nil, err
					}
					_, err = c.Counted(ctx, "after")
					return ids, err
				}),
				inngestkit.OnEvent("ship", shipped, func(_ context.Context, in input) (string, error) {
					c.Add("shipped")
					return in.Event.Data.ID, nil
				}),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, ordered.New(user{ID: "o1"}))
			eventID := run.Output[2 : len(run.Output)-2]
			runs, err := s.server.AwaitRuns(testsite.Within(t), string(eventID), 1)
			require.NoError(t, err)
			require.Len(t, runs, 1)
			require.Equal(t, `"o1"`, string(runs[0].Output))
			require.Equal(t, []int{1, 1}, []int{c.Of("after"), c.Of("shipped")})
		},
	},
	{
		name: "a condition on the trigger",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("upgrade", upgraded.If("event.data.plan == 'pro'"),
				func(_ context.Context, in input) (string, error) {
					c.Add(in.Event.Data.Plan)
					return in.Event.Data.Plan, nil
				})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			free := s.send(t, upgraded.New(user{Plan: "free"}))
			run := s.run(t, upgraded.New(user{Plan: "pro"}))
			require.Equal(t, `"pro"`, string(run.Output))
			runs, err := s.server.Runs(testsite.Within(t), free)
			require.NoError(t, err)
			require.Empty(t, runs)
			require.Zero(t, c.Of("free"))
		},
	},
	{
		name: "an event that does not fit the type fails the run at once",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnEvent("count", counted,
				func(context.Context, inngestkit.Input[numbers]) (int, error) { return c.Add("called"), nil })}
		},
		check: func(t *testing.T, s *site, c *counter) {
			id, err := s.server.Send(testsite.Within(t), counted.Name(), map[string]any{"count": "three"})
			require.NoError(t, err)
			runs, err := s.server.AwaitRuns(testsite.Within(t), id, 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunFailed, runs[0].Status)
			require.Contains(t, string(runs[0].Output), `\"data.count\" is a JSON string where Go has int`)
			require.Zero(t, c.Of("called"))
		},
	},
}

// minuteScenarios come last: by then, what they wait a minute for has happened.
var minuteScenarios = []scenario{
	{
		name: "cron",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{inngestkit.OnCron("every-minute", "* * * * *",
				func(ctx context.Context, in inngestkit.CronInput) (string, error) {
					if _, err := c.Counted(ctx, "ticked"); err != nil {
						return "", err
					}
					return in.Event.Data.Cron, nil
				})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			runs, err := s.server.AwaitRunsOf(testsite.WithinTime(t, 90*time.Second), "shop-every-minute", 1)
			require.NoError(t, err)
			require.Equal(t, devserver.RunCompleted, runs[0].Status)
			require.Equal(t, `"* * * * *"`, string(runs[0].Output))
			require.Positive(t, c.Of("ticked"))
		},
	},
}
