package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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

// big is a number that a float64 cannot hold.
const big = 1<<53 + 1

type greeting struct {
	Text string `json:"text"`
}

// stepScenarios show what the functions of package step do, except those in other scenarios.
var stepScenarios = []scenario{
	{
		// A call contains an event twice. The server omits it if the call would exceed 4 MiB.
		name: "events that make the largest calls, and larger ones",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("heavy", "user/heavy", func(ctx context.Context, in input) (int, error) {
				_, err := c.Counted(ctx, "one")
				return len(in.Event.Data.Plan), err
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			for i, size := range []int{2<<20 - 2<<10, 5 << 19} {
				run := s.completed(t, userEvent("user/heavy").New(user{Plan: strings.Repeat("x", size)}))
				require.Equal(t, strconv.Itoa(size), string(run.Output))
				require.Equal(t, i+1, c.Of("one"))
			}
		},
	},
	{
		name: "a signal resumes the run that waits for it",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("approve", "user/approve", func(ctx context.Context, in input) (string, error) {
				answer, err := step.WaitForSignal[user](ctx, "approval", "approved/"+in.Event.Data.ID, step.Timeout(time.Minute))
				return answer.ID + " " + answer.Plan, err
			})}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			id := s.send(t, userEvent("user/approve").New(user{ID: "u1"}))
			waiting, err := s.server.AwaitStep(testsite.Within(t), id, "approval")
			require.NoError(t, err)
			require.Equal(t, waiting.RunID, s.signal(t, "approved/u1", user{ID: "boss", Plan: "pro"}))
			require.Equal(t, `"boss pro"`, string(s.ended(t, id).Output))

			var refused *devserver.StatusError
			err = s.server.Do(testsite.Within(t), http.MethodPost, "/v1/signals", map[string]any{"signal": "approved/u1"}, nil)
			require.ErrorAs(t, err, &refused, "no run waits for it")
			require.Equal(t, http.StatusNotFound, refused.Status)
		},
	},
	{
		name: "a signal that does not arrive",
		functions: func(*counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("approve-in-vain", "user/approve-in-vain",
				func(ctx context.Context, _ input) (string, error) {
					_, err := step.WaitForSignal[user](ctx, "approval", "never", step.Timeout(time.Second))
					if errors.Is(err, step.ErrTimeout) {
						return "gave up", nil
					}
					return "", err
				})}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			run := s.run(t, userEvent("user/approve-in-vain").New(user{}))
			require.Equal(t, `"gave up"`, string(run.Output))
		},
	},
	{
		name: "two runs cannot wait for the same signal, but one can replace the other",
		functions: func(*counter) []inngestkit.Function {
			wait := func(options ...step.SignalOption) func(ctx context.Context, in input) (string, error) {
				return func(ctx context.Context, in input) (string, error) {
					_, err := step.WaitForSignal[any](ctx, "wait", in.Event.Data.ID, append(options, step.Timeout(4*time.Second))...)
					if errors.Is(err, step.ErrTimeout) {
						return "in vain", nil
					}
					return "got it", err
				}
			}
			return []inngestkit.Function{
				onUser("wait-alone", "user/wait-alone", wait(), flow.Retries(0)),
				onUser("wait-instead", "user/wait-instead", wait(step.Replace())),
			}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			wait := func(event, signal string) string {
				id := s.send(t, userEvent(event).New(user{ID: signal}))
				_, err := s.server.AwaitStep(testsite.Within(t), id, "wait")
				require.NoError(t, err)
				return id
			}
			first := wait("user/wait-alone", "same")
			second := s.run(t, userEvent("user/wait-alone").New(user{ID: "same"}))
			require.Equal(t, devserver.RunFailed, second.Status)
			require.Contains(t, string(second.Output), "Signal conflict")
			s.signal(t, "same", nil)
			require.Equal(t, `"got it"`, string(s.ended(t, first).Output))

			first = wait("user/wait-instead", "replaced")
			replacing := wait("user/wait-instead", "replaced")
			s.signal(t, "replaced", nil)
			require.Equal(t, `"got it"`, string(s.ended(t, replacing).Output))
			require.Equal(t, `"in vain"`, string(s.ended(t, first).Output))
		},
	},
	{
		name: "invoke a function by its value and by its ID",
		functions: func(c *counter) []inngestkit.Function {
			greet := onUser("greet", "user/greet", func(_ context.Context, in input) (greeting, error) {
				c.Add("greeted " + in.Event.Data.ID)
				return greeting{Text: fmt.Sprintf("hello %s, number %d", in.Event.Data.ID, in.Event.Data.Number)}, nil
			})
			return []inngestkit.Function{greet, onUser("meet", "user/meet", func(ctx context.Context, _ input) ([]string, error) {
				one, err := step.Invoke(ctx, "by value", greet, user{ID: "one", Number: 1 << 53})
				if err != nil {
					return nil, err
				}
				two, err := step.Invoke(ctx, "by ID", inngestkit.Ref[user, greeting]{FunctionID: "greet"}, user{ID: "two"})
				if err != nil {
					return nil, err
				}
				three, err := step.Invoke(ctx, "with app", inngestkit.Ref[user, map[string]any]{AppID: "shop", FunctionID: "greet"},
					user{ID: "three"})
				return []string{one.Text, two.Text, fmt.Sprint(three["text"])}, err
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/meet").New(user{}))
			require.JSONEq(t, `["hello one, number 9007199254740992", "hello two, number 0", "hello three, number 0"]`, string(run.Output))
			for _, id := range []string{"one", "two", "three"} {
				require.Equal(t, 1, c.Of("greeted "+id))
			}
		},
	},
	{
		name: "the error of an invoked function is final",
		functions: func(c *counter) []inngestkit.Function {
			hopeless := onUser("hopeless-task", "user/hopeless-task", func(context.Context, input) (string, error) {
				c.Add("task")
				return "", errors.New("no way")
			}, flow.Retries(1))
			return []inngestkit.Function{
				hopeless,
				onUser("handles", "user/handles", func(ctx context.Context, _ input) (string, error) {
					_, err := step.Invoke(ctx, "task", hopeless, user{})
					var failed step.Error
					if !errors.As(err, &failed) {
						return "", fmt.Errorf("not a step.Error: %w", err)
					}
					return failed.Name + ": " + failed.Message, nil
				}),
				onUser("returns", "user/returns", func(ctx context.Context, _ input) (string, error) {
					c.Add("returned")
					return step.Invoke(ctx, "task", inngestkit.Ref[user, string]{FunctionID: "not-there"}, user{})
				}),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, userEvent("user/handles").New(user{}))
			require.Equal(t, `"Error: no way"`, string(run.Output))
			require.Equal(t, 2, c.Of("task"))

			run = s.run(t, userEvent("user/returns").New(user{}))
			require.Equal(t, devserver.RunFailed, run.Status)
			require.Contains(t, string(run.Output), "could not find function with ID: shop-not-there")
			require.Equal(t, 2, c.Of("returned"), "once to find the step, once with its error")
		},
	},
	{
		name: "an invoked function that does not finish in time",
		functions: func(*counter) []inngestkit.Function {
			slow := onUser("slow", "user/slow", func(ctx context.Context, _ input) (string, error) {
				step.Sleep(ctx, "long", time.Hour)
				return "", nil
			})
			return []inngestkit.Function{slow, onUser("impatient", "user/impatient", func(ctx context.Context, _ input) (string, error) {
				_, err := step.Invoke(ctx, "slow", slow, user{}, step.Timeout(time.Second))
				if errors.Is(err, step.ErrTimeout) {
					return err.Error(), nil
				}
				return "", err
			})}
		},
		check: func(t *testing.T, s *site, _ *counter) {
			run := s.run(t, userEvent("user/impatient").New(user{}))
			require.Equal(t, `"Timed out waiting for invoked function to complete"`, string(run.Output))
		},
	},
	{
		name: "one step sends several events",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{
				onUser("fan-out", "user/fan-out", func(ctx context.Context, _ input) ([]string, error) {
					return step.SendEvent(ctx, "send", userEvent("user/fan-in").New(user{ID: "a"}), userEvent("user/fan-in").New(user{ID: "b"}),
						inngestkit.DefineEvent[numbers]("user/of-another-type").New(numbers{Count: 3}))
				}),
				onUser("fan-in", "user/fan-in", func(_ context.Context, in input) (string, error) {
					c.Add(in.Event.Data.ID)
					return in.Event.Data.ID, nil
				}),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/fan-out").New(user{}))
			sent := decoded[[]string](t, run.Output)
			require.Len(t, sent, 3)
			require.Equal(t, `"a"`, string(s.ended(t, sent[0]).Output))
			require.Equal(t, `"b"`, string(s.ended(t, sent[1]).Output))
			require.Equal(t, []int{1, 1}, []int{c.Of("a"), c.Of("b")})
		},
	},
}
