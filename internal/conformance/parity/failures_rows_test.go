package parity

import (
	"context"
	"errors"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

type failedIn = inngestkit.Input[inngestkit.FailedRun[Data]]

// handleFailure is a failure handler that returns what it gets, after a step.
func handleFailure(ctx context.Context, in failedIn) (any, error) {
	failed := in.Event.Data
	if _, err := done(ctx, "tell"); err != nil {
		return nil, err
	}
	return map[string]any{
		"function": failed.FunctionID, "error": failed.Error.Message, "name": failed.Error.Name,
		"event": failed.Event.Name, "id": failed.Event.Data.ID, "events": len(failed.Events),
	}, nil
}

// failed drives a run that fails, and its failure handler.
func failed(t testing.TB, w World, p *Probe) {
	w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "u1"}))...)
	w.EndedOf(t, p.name("")+"-failure", 1)
}

// failureRows show failure handlers.
var failureRows = []Row{
	{
		Name: "failure-of-a-function",
		Functions: single(func(context.Context, *Probe, In) (string, error) { return "", errNotYet },
			flow.Retries(1), inngestkit.OnFailure(handleFailure)),
		Drive: failed,
	},
	{
		Name: "failure-of-a-step",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) { return p.fails(ctx, "hopeless", 9) },
			flow.Retries(1), inngestkit.OnFailure(handleFailure)),
		Drive: failed,
	},
	{
		Name: "failure-avoided",
		Functions: single(func(_ context.Context, p *Probe, _ In) (string, error) {
			if p.Add("called") == 1 {
				return "", errNotYet
			}
			return "saved", nil
		}, flow.Retries(1), inngestkit.OnFailure(handleFailure)),
		Drive: one(Data{}),
	},
	{
		Name: "failure-handler-is-retried",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{On(p, "", func(context.Context, In) (string, error) {
				return "", inngestkit.NoRetry(errNotYet)
			}, inngestkit.OnFailure(func(ctx context.Context, in failedIn) (any, error) {
				if p.Add("handled") == 1 {
					return nil, errors.New("nor yet")
				}
				return handleFailure(ctx, in)
			}))}
		},
		Drive: failed,
	},
	{
		Name: "failure-handler-that-fails",
		Functions: single(func(context.Context, *Probe, In) (string, error) { return "", inngestkit.NoRetry(errNotYet) },
			inngestkit.OnFailure(func(context.Context, failedIn) (any, error) {
				return nil, inngestkit.NoRetry(errors.New("nor will it"))
			})),
		Drive: failed,
	},
	{
		// A cancelled run has not failed.
		Name: "failure-handler-and-cancellation",
		Functions: func(p *Probe) []inngestkit.Function {
			cancelled := inngestkit.DefineEvent[inngestkit.FailedRun[Data]]("inngest/function.cancelled")
			return []inngestkit.Function{
				On(p, "", func(ctx context.Context, _ In) (string, error) {
					Sleep(ctx, "wait", time.Hour)
					return "", nil
				}, flow.FinishTimeout(5*time.Second), inngestkit.OnFailure(handleFailure)),
				OnTrigger(p, "cancelled", cancelled.If(`event.data.function_id == "`+appID+"-"+p.name("")+`"`),
					func(_ context.Context, in failedIn) (string, error) { return in.Event.Data.Event.Data.ID, nil }),
			}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "u1"}))...)
			w.EndedOf(t, p.name("cancelled"), 1)
		},
		Oldest: aboutCancelled,
	},
	{
		Name: "failure-of-a-wait",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{On(p, "", func(ctx context.Context, _ In) (any, error) {
				return nil, inngestkit.NoRetry(p.awaiting("in vain", time.Second)(ctx))
			}, inngestkit.OnFailure(handleFailure))}
		},
		Drive: failed,
	},
}
