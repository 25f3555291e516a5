package conformance

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// parallelScenarios show what step.Parallel and step.Map do.
var parallelScenarios = []scenario{
	{
		name: "parallel steps run at the same time, each once",
		functions: func(c *counter) []inngestkit.Function {
			// Each of the two ends when the other has begun.
			meeting := func(id, other string) func(context.Context) error {
				return func(ctx context.Context) error {
					_, err := step.Run(ctx, id, func(ctx context.Context) (string, error) {
						c.Add(id)
						return id, c.Wait(ctx, other)
					})
					return err
				}
			}
			return []inngestkit.Function{onUser("parallel", "user/parallel", func(ctx context.Context, _ input) (int, error) {
				tries := 0
				err := step.Parallel(ctx, meeting("left", "right"), meeting("right", "left"), func(ctx context.Context) (err error) {
					tries, err = step.Run(ctx, "flaky", func(context.Context) (int, error) {
						if n := c.Add("flaky"); n > 1 {
							return n, nil
						}
						return 0, errors.New("not yet")
					})
					if err != nil {
						c.Add("seen its error")
					}
					return err
				})
				if err != nil {
					return 0, err
				}
				_, err = c.Counted(ctx, "after")
				return tries, err
			}, flow.Retries(3))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.completed(t, userEvent("user/parallel").New(user{}))
			require.Equal(t, "2", string(run.Output))
			require.Equal(t, []int{1, 1, 2, 1}, []int{c.Of("left"), c.Of("right"), c.Of("flaky"), c.Of("after")})
			require.Zero(t, c.Of("seen its error"), "the step is retried")
		},
	},
	{
		name: "a step for each element of a slice",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("map", "user/map", func(ctx context.Context, _ input) (any, error) {
				var greeting string
				err := step.Parallel(ctx, step.Into(&greeting, "greet", func(context.Context) (string, error) { return "hello", nil }))
				if err != nil {
					return nil, err
				}
				lengths, err := step.Map(ctx, "measure", []string{"a", "bb", "bad", "cccc"}, func(_ context.Context, word string) (int, error) {
					if c.Add(word); word == "bad" {
						return 0, inngestkit.NoRetry(errors.New("not a word"))
					}
					return len(word), nil
				})
				return []any{greeting, lengths, err.Error()}, nil
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/map").New(user{}))
			require.JSONEq(t, `["hello", [1, 2, 0, 4], "item 2: not a word"]`, string(run.Output))
			require.Equal(t, []int{1, 1, 1, 1}, []int{c.Of("a"), c.Of("bb"), c.Of("bad"), c.Of("cccc")})
		},
	},
	{
		name: "parallel steps that fail",
		functions: func(c *counter) []inngestkit.Function {
			failing := func(id string) func(context.Context) error {
				return func(ctx context.Context) error {
					_, err := step.Run(ctx, id, func(context.Context) (int, error) {
						c.Add(id)
						return 0, errors.New(id + " failed")
					})
					return err
				}
			}
			return []inngestkit.Function{onUser("parallel-fails", "user/parallel-fails", func(ctx context.Context, _ input) (string, error) {
				var fine string
				err := step.Parallel(ctx, failing("one"), failing("two"), func(ctx context.Context) (err error) {
					fine, err = c.Counted(ctx, "fine")
					return err
				})
				if _, ok := errors.AsType[step.Error](err); !ok {
					return "no step.Error", nil
				}
				c.Add("behind")
				return fine + "; " + err.Error(), nil
			}, flow.Retries(1))}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/parallel-fails").New(user{}))
			require.JSONEq(t, `"fine; one failed\ntwo failed"`, string(run.Output))
			require.Equal(t, []int{2, 2, 1, 1}, []int{c.Of("one"), c.Of("two"), c.Of("fine"), c.Of("behind")})
		},
	},
	{
		name: "sleeps and waits in parallel, and parallel steps in a branch",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("branches", "user/branches", func(ctx context.Context, _ input) (string, error) {
				var answer inngestkit.Event[user]
				counted := func(id string) func(context.Context) error {
					return func(ctx context.Context) error { _, err := c.Counted(ctx, id); return err }
				}
				err := step.Parallel(ctx,
					func(ctx context.Context) error {
						step.Sleep(ctx, "nap", time.Second)
						return counted("rested")(ctx)
					},
					func(ctx context.Context) (err error) {
						answer, err = step.WaitForEvent(ctx, "wait", userEvent("user/branches-answer"), step.Timeout(time.Minute))
						return err
					},
					func(ctx context.Context) error {
						if err := step.Parallel(ctx, counted("inner one"), counted("inner two")); err != nil {
							return err
						}
						return counted("inner end")(ctx)
					},
				)
				return answer.Data.ID, err
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			id := s.send(t, userEvent("user/branches").New(user{}))
			_, err := s.server.AwaitStep(testsite.Within(t), id, "wait")
			require.NoError(t, err)
			s.send(t, userEvent("user/branches-answer").New(user{ID: "answered"}))
			run := s.ended(t, id)
			require.Equal(t, devserver.RunCompleted, run.Status, "%s", run.Output)
			require.Equal(t, `"answered"`, string(run.Output))
			for _, id := range []string{"rested", "inner one", "inner two", "inner end"} {
				require.Equal(t, 1, c.Of(id), id)
			}
		},
	},
	{
		name: "branches with the same step IDs get their own results",
		functions: func(c *counter) []inngestkit.Function {
			return []inngestkit.Function{onUser("same-ids", "user/same-ids", func(ctx context.Context, _ input) ([]string, error) {
				results := make([]string, 3)
				branches := make([]func(context.Context) error, len(results))
				for i, name := range []string{"a", "b", "c"} {
					branches[i] = func(ctx context.Context) error {
						first, err := step.Run(ctx, "first", func(context.Context) (string, error) { c.Add("first " + name); return name, nil })
						if err != nil {
							return err
						}
						results[i], err = step.Run(ctx, "second", func(context.Context) (string, error) {
							c.Add("second " + name)
							return first + name, nil
						})
						return err
					}
				}
				return results, step.Parallel(ctx, branches...)
			})}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/same-ids").New(user{}))
			require.JSONEq(t, `["aa","bb","cc"]`, string(run.Output))
			for _, name := range []string{"a", "b", "c"} {
				require.Equal(t, []int{1, 1}, []int{c.Of("first " + name), c.Of("second " + name)})
			}
		},
	},
	{
		name: "the same step ID at different places of branches",
		functions: func(c *counter) []inngestkit.Function {
			named := func(name string, result *string, ids ...string) func(context.Context) error {
				return func(ctx context.Context) (err error) {
					for _, id := range ids {
						*result, err = step.Run(ctx, id, func(context.Context) (string, error) { c.Add(name + " " + id); return name, nil })
						if err != nil {
							return err
						}
					}
					return nil
				}
			}
			apart := func(swap bool) func(ctx context.Context, _ input) ([]string, error) {
				return func(ctx context.Context, _ input) ([]string, error) {
					var short, long string
					branches := []func(context.Context) error{named("short", &short, "same"), named("long", &long, "other", "same")}
					if swap {
						slices.Reverse(branches)
					}
					return []string{short, long}, step.Parallel(ctx, branches...)
				}
			}
			return []inngestkit.Function{
				onUser("long-last", "user/long-last", apart(false)), onUser("long-first", "user/long-first", apart(true)),
			}
		},
		check: func(t *testing.T, s *site, c *counter) {
			run := s.run(t, userEvent("user/long-last").New(user{}))
			require.JSONEq(t, `["short","long"]`, string(run.Output))
			require.Equal(t, []int{1, 1, 1}, []int{c.Of("short same"), c.Of("long other"), c.Of("long same")})

			run = s.run(t, userEvent("user/long-first").New(user{}))
			require.Equal(t, devserver.RunFailed, run.Status, "%s", run.Output)
			require.Contains(t, string(run.Output), `is in several branches of step.Parallel, at different positions`)
		},
	},
}
