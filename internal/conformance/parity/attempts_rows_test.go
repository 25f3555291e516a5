package parity

import (
	"context"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// fails runs a step whose first n attempts fail. It returns the number of the one that does not.
func (p *Probe) fails(ctx context.Context, id string, n int) (int, error) {
	return step.Run(ctx, id, func(context.Context) (int, error) {
		if count := p.Add(id); count > n {
			return count, nil
		}
		return 0, errNotYet
	})
}

// attemptRows show failures of steps and functions.
var attemptRows = []Row{
	{
		Name: "step-is-retried",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) {
			if _, err := done(ctx, "before"); err != nil {
				return 0, err
			}
			tries, err := p.fails(ctx, "flaky", 2)
			if err != nil {
				return 0, err
			}
			_, err = done(ctx, "after")
			return tries, err
		}, flow.Retries(3)),
		Drive: one(Data{}),
	},
	{
		Name: "each-step-has-its-attempts",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if _, err := p.fails(ctx, "first", 1); err != nil {
				return "", err
			}
			if _, err := p.fails(ctx, "second", 1); err != nil {
				return "", err
			}
			if p.Add("end") == 1 {
				return "", errNotYet
			}
			return "saved", nil
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "step-without-attempts-left",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			_, err := p.fails(ctx, "hopeless", 9)
			if _, ok := errors.AsType[step.Error](err); ok {
				return done(ctx, "instead of "+err.Error())
			}
			return "", err
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "unhandled-step-error",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) {
			p.Add("called")
			return p.fails(ctx, "hopeless", 9)
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		// Returned as another error, it is retried like any error of the function.
		Name: "replaced-step-error",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) {
			if _, err := p.fails(ctx, "hopeless", 9); err != nil {
				return 0, errors.New("something else")
			}
			return 0, nil
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "step-that-panics",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			return step.Run(ctx, "panicky", func(context.Context) (string, error) {
				if p.Add("panicky") == 1 {
					panic("oh")
				}
				return "calm", nil
			})
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "step-without-retry",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			_, err := step.Run(ctx, "final", func(context.Context) (int, error) {
				return 0, inngestkit.NoRetry(errors.New("no use"))
			})
			return "after " + err.Error(), nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "step-with-a-value-and-an-error",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) ([]any, error) {
			value, err := step.Run(ctx, "partial", func(context.Context) (Data, error) {
				return Data{ID: "half", Number: 3}, inngestkit.NoRetry(errors.New("no more"))
			})
			return []any{value, err.Error()}, nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "step-retried-after-a-time",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			return step.Run(ctx, "busy", func(context.Context) (string, error) {
				if p.Add("busy") == 1 {
					p.clock("first")
					return "", inngestkit.RetryAfter(errNotYet, 3*time.Second)
				}
				p.clock("second")
				return "free", nil
			})
		}, flow.Retries(1)),
		Drive: atLeast("first", "second", 2*time.Second),
	},
	{
		Name: "function-keeps-its-steps",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if _, err := done(ctx, "one"); err != nil {
				return "", err
			}
			if _, err := done(ctx, "two"); err != nil {
				return "", err
			}
			if p.Add("end") < 3 {
				return "", errNotYet
			}
			return "saved", nil
		}, flow.Retries(2)),
		Drive: one(Data{}),
	},
	{
		Name: "function-without-attempts-left",
		Functions: single(func(context.Context, *Probe, In) (string, error) {
			return "", errNotYet
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "function-without-retries",
		Functions: single(func(context.Context, *Probe, In) (string, error) {
			return "", errNotYet
		}, flow.Retries(0)),
		Drive: one(Data{}),
	},
	{
		Name: "function-that-panics",
		Functions: single(func(_ context.Context, p *Probe, _ In) (string, error) {
			if p.Add("called") == 1 {
				panic("oh")
			}
			return "calm", nil
		}, flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "function-without-retry",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			if _, err := done(ctx, "one"); err != nil {
				return "", err
			}
			return "", inngestkit.NoRetry(errors.New("no use"))
		}),
		Drive: one(Data{}),
	},
	{
		Name: "function-retried-after-a-time",
		Functions: single(func(_ context.Context, p *Probe, _ In) (string, error) {
			if p.Add("called") == 1 {
				p.clock("first")
				return "", inngestkit.RetryAfter(errNotYet, 3*time.Second)
			}
			p.clock("second")
			return "free", nil
		}, flow.Retries(1)),
		Drive: atLeast("first", "second", 2*time.Second),
	},
}
