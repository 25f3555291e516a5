package parity

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// explained returns the name and the message of a step's error.
func explained(err error) (string, error) {
	if failed, ok := errors.AsType[step.Error](err); ok {
		return failed.Name + ": " + failed.Message, nil
	}
	return "", err
}

// invokes defines two functions: "" invokes "target" and explains its error.
func invokes[R any](
	target func(ctx context.Context, p *Probe, in In) (R, error), options []inngestkit.Option, invokeOptions ...step.InvokeOption,
) func(p *Probe) []inngestkit.Function {
	return func(p *Probe) []inngestkit.Function {
		invoked := On(p, "target", func(ctx context.Context, in In) (R, error) { return target(ctx, p, in) }, options...)
		return []inngestkit.Function{invoked, On(p, "", func(ctx context.Context, in In) (any, error) {
			out, err := step.Invoke(ctx, "invoke", invoked, in.Event.Data, invokeOptions...)
			if err != nil {
				return explained(err)
			}
			return out, nil
		})}
	}
}

// invokeRows show step.Invoke.
var invokeRows = []Row{
	{
		Name: "invoke-by-value-and-by-id",
		Functions: func(p *Probe) []inngestkit.Function {
			greet := On(p, "greet", func(_ context.Context, in In) (Data, error) {
				return Data{ID: "hello " + in.Event.Data.ID, Number: in.Event.Data.Number}, nil
			})
			return []inngestkit.Function{greet, On(p, "", func(ctx context.Context, _ In) ([]any, error) {
				one, err := step.Invoke(ctx, "by value", greet, Data{ID: "one", Number: 1 << 53})
				if err != nil {
					return nil, err
				}
				two, err := step.Invoke(ctx, "by ID", inngestkit.Ref[Data, Data]{FunctionID: p.name("greet")}, Data{ID: "two"})
				if err != nil {
					return nil, err
				}
				three, err := step.Invoke(ctx, "with app", inngestkit.Ref[Data, map[string]any]{AppID: appID, FunctionID: p.name("greet")},
					Data{ID: "three"})
				return []any{one.ID, one.Number, two.ID, three["id"]}, err
			})}
		},
		Drive: one(Data{}),
	},
	{
		Name: "invoke-failing",
		Functions: invokes(func(context.Context, *Probe, In) (string, error) {
			return "", errors.New("no way")
		}, []inngestkit.Option{flow.Retries(1)}),
		Drive: one(Data{}),
	},
	{
		Name: "invoke-failing-step",
		Functions: invokes(func(ctx context.Context, p *Probe, _ In) (int, error) {
			return p.fails(ctx, "hopeless", 9)
		}, []inngestkit.Option{flow.Retries(0)}),
		Drive: one(Data{}),
	},
	{
		Name: "invoke-too-slow",
		Functions: invokes(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			Sleep(ctx, "long", 15*time.Second)
			return "late", nil
		}, nil, step.Timeout(time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{}))...)
			w.EndedOf(t, p.name("target"), 1)
		},
	},
	{
		// The function that invokes gets the error, and may return it.
		Name: "invoke-nobody",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			return step.Invoke(ctx, "invoke", inngestkit.Ref[Data, string]{FunctionID: p.name("not-there")}, Data{})
		}),
		Drive: one(Data{}),
	},
	{
		Name: "invoke-rate-limited",
		Functions: invokes(func(context.Context, *Probe, In) (string, error) { return "once", nil },
			[]inngestkit.Option{flow.RateLimit(1, time.Hour)}),
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "1"}))...)
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "2"}))...)
		},
	},
	{
		// A skipped run does not answer.
		Name: "invoke-singleton",
		Functions: invokes(func(ctx context.Context, p *Probe, _ In) (string, error) {
			_, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Hour))
			return "first", err
		}, []inngestkit.Option{flow.Singleton(flow.SingletonSkip)}, step.Timeout(5*time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			first := w.Send(t, p.Event("target").New(Data{ID: "1"}))[0]
			w.Reached(t, first, "wait")
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "2"}))...)
			w.LetPass(t, time.Second)
			answer(t, w, p, Data{})
			w.Ended(t, first)
		},
	},
	{
		Name: "invoke-cancelled",
		Functions: invokes(func(ctx context.Context, _ *Probe, _ In) (map[string]any, error) {
			Sleep(ctx, "long", time.Hour)
			return nil, nil
		}, []inngestkit.Option{flow.FinishTimeout(5 * time.Second)}, step.Timeout(time.Minute)),
		Drive:  one(Data{}),
		Oldest: "the step gets an error, and not the event about the cancelled run",
	},
	{
		Name: "invoke-with-odd-values",
		Functions: invokes(func(_ context.Context, _ *Probe, in In) (any, error) {
			return []any{in.Event.Data, `{"a":1}`, nil, 1e300, int64(616581622363398142)}, nil
		}, nil),
		Drive: one(Data{ID: `{"b":1}`, Number: 616581622363398142}),
	},
	{
		Name:      "invoke-text-that-looks-like-json",
		Functions: invokes(func(context.Context, *Probe, In) (string, error) { return `{"a":1}`, nil }, nil),
		Drive:     one(Data{}),
	},
	{
		Name: "invoke-within-invoke",
		Functions: func(p *Probe) []inngestkit.Function {
			inner := On(p, "inner", func(ctx context.Context, in In) (string, error) { return done(ctx, "inner "+in.Event.Data.ID) })
			middle := On(p, "middle", func(ctx context.Context, in In) (string, error) {
				text, err := step.Invoke(ctx, "invoke", inner, in.Event.Data)
				return "middle " + text, err
			})
			return []inngestkit.Function{inner, middle, On(p, "", func(ctx context.Context, in In) (string, error) {
				text, err := step.Invoke(ctx, "invoke", middle, in.Event.Data)
				return fmt.Sprint("outer ", text), err
			})}
		},
		Drive: one(Data{ID: "7"}),
	},
}
