package parity

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// A branch is a branch of step.Parallel.
type branch = func(ctx context.Context) error

// doing is a branch with steps that succeed.
func doing(ids ...string) branch {
	return func(ctx context.Context) error {
		for _, id := range ids {
			if _, err := done(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
}

// sleeping is a branch that sleeps and then does steps.
func sleeping(id string, d time.Duration, then ...string) branch {
	return func(ctx context.Context) error {
		Sleep(ctx, id, d)
		return doing(then...)(ctx)
	}
}

// awaiting is a branch that waits for the row's event "answer" with an ID.
func (p *Probe) awaiting(id string, timeout time.Duration) branch {
	return func(ctx context.Context) error {
		_, err := step.WaitForEvent(ctx, "wait "+id, p.Event("answer"), step.Timeout(timeout), step.If("async.data.id == '"+id+"'"))
		return err
	}
}

// failing is a branch with a step that fails n times.
func (p *Probe) failing(id string, n int) branch {
	return func(ctx context.Context) error { _, err := p.fails(ctx, id, n); return err }
}

// parallel defines a function that runs branches, and then a step "after", and returns the
// error of the branches as text.
func parallel(branches func(p *Probe) []branch, options ...inngestkit.Option) func(p *Probe) []inngestkit.Function {
	return single(func(ctx context.Context, p *Probe, _ In) (string, error) {
		err := step.Parallel(ctx, branches(p)...)
		text, after := done(ctx, "after")
		if err != nil {
			text = err.Error()
		}
		return text, after
	}, options...)
}

// parallelRows show step.Parallel and step.Map.
var parallelRows = []Row{
	{
		Name:      "parallel-steps",
		Functions: parallel(func(p *Probe) []branch { return []branch{doing("left"), doing("right"), p.failing("flaky", 1)} }, flow.Retries(3)),
		Drive:     one(Data{}),
	},
	{
		Name: "parallel-failures",
		Functions: parallel(func(p *Probe) []branch {
			return []branch{p.failing("one", 9), p.failing("two", 9), doing("fine")}
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-error-returned",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (any, error) {
			return nil, step.Parallel(ctx, p.failing("one", 9), doing("fine"))
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-branches-of-several-steps",
		Functions: parallel(func(p *Probe) []branch {
			return []branch{doing("a1", "a2", "a3"), doing("b1"), p.failing("c1", 1), doing("d1", "d2")}
		}),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-map",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (any, error) {
			lengths, err := step.Map(ctx, "measure", []string{"a", "bb", "bad", "cccc"}, func(_ context.Context, word string) (int, error) {
				if p.Add(word); word == "bad" {
					return 0, inngestkit.NoRetry(errors.New("not a word"))
				}
				return len(word), nil
			})
			return []any{lengths, err.Error()}, nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-sleeps",
		Functions: parallel(func(*Probe) []branch {
			return []branch{sleeping("s1", 5*time.Second), sleeping("s2", 10*time.Second, "then"), sleeping("s3", time.Second)}
		}),
		Drive:  one(Data{}),
		Oldest: "",
	},
	{
		Name: "parallel-sleep-and-steps",
		Functions: parallel(func(*Probe) []branch {
			return []branch{sleeping("nap", 8*time.Second, "rested"), doing("x1", "x2", "x3")}
		}),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-waits",
		Functions: parallel(func(p *Probe) []branch {
			return []branch{p.awaiting("a", time.Hour), p.awaiting("b", time.Hour), p.awaiting("c", 2*time.Second)}
		}),
		Drive: answersInParallel("b", "a"),
	},
	{
		Name: "parallel-wait-and-steps",
		Functions: parallel(func(p *Probe) []branch {
			return []branch{p.awaiting("a", time.Hour), doing("x1", "x2"), sleeping("nap", time.Second)}
		}),
		Drive: answersInParallel("a"),
	},
	{
		Name: "parallel-nested",
		Functions: parallel(func(*Probe) []branch {
			return []branch{doing("o1", "o2"), func(ctx context.Context) error {
				if err := step.Parallel(ctx, doing("i1"), doing("i2", "i3")); err != nil {
					return err
				}
				return doing("inner end")(ctx)
			}}
		}),
		Drive: one(Data{}),
	},
	{
		Name: "parallel-same-ids",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) ([]string, error) {
			results := make([]string, 3)
			branches := make([]branch, len(results))
			for i, name := range []string{"a", "b", "c"} {
				branches[i] = func(ctx context.Context) error {
					first, err := step.Run(ctx, "first", func(context.Context) (string, error) { return name, nil })
					if err != nil {
						return err
					}
					results[i], err = step.Run(ctx, "second", func(context.Context) (string, error) { return first + name, nil })
					return err
				}
			}
			return results, step.Parallel(ctx, branches...)
		}),
		Drive: one(Data{}),
	},
	{Name: "parallel-long-branch-last", Functions: apart(false), Drive: one(Data{})},
	{Name: "parallel-long-branch-first", Functions: apart(true), Drive: one(Data{})},
	{
		Name: "parallel-groups-one-after-the-other",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if err := step.Parallel(ctx, doing("a"), doing("b")); err != nil {
				return "", err
			}
			if err := doing("between", "and then")(ctx); err != nil {
				return "", err
			}
			if err := step.Parallel(ctx, doing("c"), p.failing("d", 1)); err != nil {
				return "", err
			}
			if p.Add("end") == 1 {
				return "", errNotYet
			}
			return done(ctx, "last")
		}),
		Drive:  one(Data{}),
		Oldest: "a call of its own plans each step after parallel ones, so the attempts of the function before the step do not count",
	},
	{
		Name: "parallel-invokes",
		Functions: func(p *Probe) []inngestkit.Function {
			target := On(p, "target", func(_ context.Context, in In) (string, error) {
				if in.Event.Data.ID == "bad" {
					return "", inngestkit.NoRetry(errors.New("bad"))
				}
				return in.Event.Data.ID, nil
			})
			invoking := func(id string, into *string) branch {
				return func(ctx context.Context) (err error) {
					*into, err = step.Invoke(ctx, "invoke "+id, target, Data{ID: id})
					return err
				}
			}
			return []inngestkit.Function{target, On(p, "", func(ctx context.Context, _ In) ([]string, error) {
				results := make([]string, 4)
				err := step.Parallel(ctx, invoking("a", &results[0]), invoking("b", &results[1]), invoking("bad", &results[2]))
				results[3] = err.Error()
				return results, nil
			})}
		},
		Drive: one(Data{}),
	},
}

// answersInParallel drives a run that waits in branches for events with the IDs.
func answersInParallel(ids ...string) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		id := w.Send(t, p.Event("").New(Data{}))[0]
		w.Scheduled(t, id)
		w.LetPass(t, 500*time.Millisecond) // the oldest server does not report steps that came with others
		for _, data := range ids {
			answer(t, w, p, Data{ID: data})
		}
		w.Ended(t, id)
	}
}

// apart defines a function that has the same step ID at different places of two branches.
func apart(swap bool) func(p *Probe) []inngestkit.Function {
	return single(func(ctx context.Context, _ *Probe, _ In) (any, error) {
		branches := []branch{doing("same"), doing("other", "same")}
		if swap {
			slices.Reverse(branches)
		}
		return nil, step.Parallel(ctx, branches...)
	})
}
