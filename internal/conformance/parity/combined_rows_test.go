package parity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// combinedRows show several features together.
var combinedRows = []Row{
	{
		Name:      "debounce-and-cancel",
		Functions: sleepy(flow.Debounce(debouncePeriod), flow.CancelOn(flow.EventNamed("debounce-and-cancel/stop"), flow.If("event.data.id == async.data.id"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			ids := oneByOne(t, w, inOrder(p, "", withIDs("old", "new")...)...)
			w.Reached(t, ids[1], "wait")
			for _, data := range withIDs("old", "new") {
				w.Send(t, inngestkit.DefineEvent[Data]("debounce-and-cancel/stop").New(data))
				w.LetPass(t, 400*time.Millisecond)
			}
			w.Ended(t, ids[1])
		},
		Oldest: aboutCancelled,
	},
	{
		Name: "invoke-of-a-throttled-function",
		Functions: invokes(func(context.Context, *Probe, In) (string, error) { return "late", nil },
			[]inngestkit.Option{flow.Throttle(1, 24*time.Hour)}, step.Timeout(10*time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "1"}))...)
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "2"}))...)
		},
	},
	{
		Name: "invoke-of-a-batch",
		Functions: func(p *Probe) []inngestkit.Function {
			target := On(p, "target", func(_ context.Context, in In) (int, error) { return len(in.Events), nil }, flow.BatchEvents(2, 10*time.Second))
			return []inngestkit.Function{target, On(p, "", func(ctx context.Context, in In) (int, error) {
				return step.Invoke(ctx, "invoke", target, in.Event.Data)
			})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "1"}), p.Event("").New(Data{ID: "1"}))...)
		},
	},
	{
		Name: "singleton-cancels-parallel-steps",
		Functions: single(func(ctx context.Context, p *Probe, in In) (string, error) {
			if in.Event.Data.ID == "quick" {
				return "quick", nil
			}
			return "", step.Parallel(ctx, sleeping("long", time.Hour), doing("x1", "x2"), p.awaiting("a", time.Hour))
		}, flow.Singleton(flow.SingletonCancel)),
		Drive: func(t testing.TB, w World, p *Probe) {
			slow := w.Send(t, p.Event("").New(Data{ID: "slow"}))[0]
			w.LetPass(t, 2*time.Second)
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "quick"}))...)
			w.Ended(t, slow)
		},
		Oldest: aboutCancelled,
	},
	{
		Name: "finish-timeout-while-waiting-to-retry",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (any, error) {
			return step.Run(ctx, "busy", func(context.Context) (any, error) {
				return nil, inngestkit.RetryAfter(errNotYet, time.Hour)
			})
		}, flow.FinishTimeout(5*time.Second)),
		Drive:  one(Data{}),
		Oldest: aboutCancelled,
	},
	{
		Name: "cancel-while-waiting-to-retry",
		Functions: single(func(context.Context, *Probe, In) (any, error) {
			return nil, inngestkit.RetryAfter(errNotYet, time.Hour)
		}, flow.CancelOn(flow.EventNamed("cancel-while-waiting-to-retry/stop"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := w.Send(t, p.Event("").New(Data{}))[0]
			w.LetPass(t, time.Second)
			w.Send(t, inngestkit.DefineEvent[Data]("cancel-while-waiting-to-retry/stop").New(Data{}))
			w.Ended(t, id)
		},
		Oldest: aboutCancelled,
	},
	{
		Name: "rate-limit-and-failure",
		Functions: single(func(context.Context, *Probe, In) (any, error) {
			return nil, inngestkit.NoRetry(errors.New("limited"))
		}, flow.RateLimit(1, time.Hour), inngestkit.OnFailure(handleFailure)),
		Drive: func(t testing.TB, w World, p *Probe) {
			failed(t, w, p)
			w.Send(t, p.Event("").New(Data{ID: "u2"}))
			w.LetPass(t, time.Second)
		},
	},
	{
		Name: "cancel-while-waiting-in-parallel",
		Functions: parallel(func(p *Probe) []branch {
			return []branch{p.awaiting("a", time.Hour), p.awaiting("b", time.Hour), doing("x1", "x2")}
		}, flow.CancelOn(flow.EventNamed("cancel-while-waiting-in-parallel/stop"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := w.Send(t, p.Event("").New(Data{}))[0]
			w.LetPass(t, 2*time.Second)
			answer(t, w, p, Data{ID: "a"})
			w.Send(t, inngestkit.DefineEvent[Data]("cancel-while-waiting-in-parallel/stop").New(Data{}))
			w.Ended(t, id)
		},
		Oldest: aboutCancelled,
	},
	{
		// What middleware does to the results of steps, to invokes and to events reaches the
		// server.
		Name: "middleware-that-encodes",
		Functions: func(p *Probe) []inngestkit.Function {
			target := On(p, "target", func(_ context.Context, in In) (string, error) { return "invoked " + in.Event.Data.ID, nil })
			return []inngestkit.Function{target, On(p, "", func(ctx context.Context, in In) ([]string, error) {
				secret, err := step.Run(ctx, "secret", func(context.Context) (string, error) { return "s3cret", nil })
				if err != nil {
					return nil, err
				}
				answer, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Hour))
				if err != nil {
					return nil, err
				}
				invoked, err := step.Invoke(ctx, "invoke", target, in.Event.Data)
				return []string{secret, answer.Data.ID, invoked}, err
			}, inngestkit.Use(encoding))}
		},
		Drive: answered(Data{ID: "1"}, Data{ID: "2"}),
	},
}

// encoding is middleware that encodes the results of steps.
var encoding = inngestkit.Middleware{
	Step: func(next inngestkit.StepHandler) inngestkit.StepHandler {
		return func(ctx context.Context, s *inngestkit.StepCall) (any, error) {
			output, err := next(ctx, s)
			if err != nil {
				return nil, err
			}
			plain, err := json.Marshal(output)
			return base64.StdEncoding.EncodeToString(plain), err
		}
	},
	Restore: func(_ context.Context, s *inngestkit.StepCall, data json.RawMessage) (json.RawMessage, error) {
		if s.Kind != "StepRun" {
			return data, nil
		}
		var encoded string
		if err := json.Unmarshal(data, &encoded); err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(encoded)
	},
}
