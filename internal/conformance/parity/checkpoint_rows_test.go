package parity

import (
	"context"
	"errors"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// checkpointRows show flow.Checkpoint. The oldest server refuses checkpoints, and the app then
// sends none for a minute. Before that, a failure after other steps of a call costs no attempt;
// so the function [passing] has shown it to the app.
var checkpointRows = []Row{
	{
		Name: "checkpoint-each-step",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			return "end", doing("a", "b", "c", "d")(ctx)
		}, flow.Checkpoint()),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-batch-of-steps",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			return "end", doing("a", "b", "c", "d", "e")(ctx)
		}, flow.Checkpoint(flow.BatchSteps(2))),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-sleeps",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			if err := doing("a", "b")(ctx); err != nil {
				return "", err
			}
			Sleep(ctx, "nap", time.Second)
			return "end", doing("c", "d")(ctx)
		}, flow.Checkpoint(flow.BatchSteps(10))),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-step-is-retried",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) {
			if err := doing("a", "b")(ctx); err != nil {
				return 0, err
			}
			n, err := p.fails(ctx, "flaky", 2)
			if err != nil {
				return 0, err
			}
			return n, doing("c", "d")(ctx)
		}, flow.Checkpoint(), flow.Retries(2)),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-step-without-attempts-left",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if err := doing("a")(ctx); err != nil {
				return "", err
			}
			if _, err := p.fails(ctx, "hopeless", 9); err != nil {
				return err.Error(), doing("instead")(ctx)
			}
			return "", nil
		}, flow.Checkpoint(), flow.Retries(1)),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-step-without-retry",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (any, error) {
			if err := doing("a")(ctx); err != nil {
				return nil, err
			}
			return step.Run(ctx, "final", func(context.Context) (any, error) {
				return nil, inngestkit.NoRetry(errors.New("no use"))
			})
		}, flow.Checkpoint()),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-function-is-retried",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if err := doing("a", "b")(ctx); err != nil {
				return "", err
			}
			if p.Add("end") <= 2 {
				return "", errNotYet
			}
			return "saved", doing("c")(ctx)
		}, flow.Checkpoint(), flow.Retries(2)),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-parallel",
		Functions: parallel(func(*Probe) []branch {
			return []branch{doing("a1", "a2"), doing("b1"), sleeping("nap", 500*time.Millisecond, "rested")}
		}, flow.Checkpoint()),
		Drive: one(Data{}),
	},
	{
		Name: "checkpoint-wait-and-invoke",
		Functions: func(p *Probe) []inngestkit.Function {
			target := On(p, "target", func(ctx context.Context, _ In) (string, error) { return done(ctx, "invoked") }, flow.Checkpoint())
			return []inngestkit.Function{target, On(p, "", func(ctx context.Context, _ In) (string, error) {
				if err := doing("a", "b")(ctx); err != nil {
					return "", err
				}
				if _, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Hour)); err != nil {
					return "", err
				}
				if err := doing("c")(ctx); err != nil {
					return "", err
				}
				return step.Invoke(ctx, "invoke", target, Data{})
			}, flow.Checkpoint(flow.BatchSteps(5)))}
		},
		Drive: answered(Data{}, Data{ID: "1"}),
	},
}
