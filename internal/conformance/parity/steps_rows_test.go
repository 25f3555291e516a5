package parity

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
)

var errNotYet = errors.New("not yet")

// done runs a step that returns its ID.
func done(ctx context.Context, id string) (string, error) {
	return step.Run(ctx, id, func(context.Context) (string, error) { return id, nil })
}

// one sends one event and waits for the end of its run.
func one(data Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) { w.Ended(t, w.Send(t, p.Event("").New(data))...) }
}

// single defines the functions of a row that has one.
func single[R any](
	handler func(ctx context.Context, p *Probe, in In) (R, error), options ...inngestkit.Option,
) func(p *Probe) []inngestkit.Function {
	return func(p *Probe) []inngestkit.Function {
		return []inngestkit.Function{On(p, "", func(ctx context.Context, in In) (R, error) { return handler(ctx, p, in) }, options...)}
	}
}

// stepRows show steps that succeed, sleeps, and what becomes of values.
var stepRows = []Row{
	{
		Name: "no-steps",
		Functions: single(func(_ context.Context, _ *Probe, in In) (Data, error) {
			return in.Event.Data, nil
		}),
		Drive: one(Data{ID: "u1", Plan: "pro", Number: 7}),
	},
	{
		Name: "three-steps",
		Functions: single(func(ctx context.Context, _ *Probe, in In) (any, error) {
			out := map[string]string{"user": in.Event.Data.ID}
			for _, id := range []string{"one", "two", "three"} {
				name, err := done(ctx, id)
				if err != nil {
					return nil, err
				}
				out[id] = name
			}
			return out, nil
		}),
		Drive: one(Data{ID: "u1"}),
	},
	{
		Name: "sleeps",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if _, err := p.clocked(ctx, "before"); err != nil {
				return "", err
			}
			Sleep(ctx, "nap", time.Second)
			Sleep(ctx, "nap", 100*time.Millisecond)
			Sleep(ctx, "none", 0)
			SleepUntil(ctx, "past", time.Unix(0, 0))
			return p.clocked(ctx, "awake")
		}),
		Drive: atLeast("before", "awake", 1100*time.Millisecond),
	},
	{
		// The server counts steps with the same ID.
		Name: "equal-ids",
		Functions: single(func(ctx context.Context, p *Probe, _ In) ([]int, error) {
			var counts []int
			for range 3 {
				n, err := step.Run(ctx, "poll", func(context.Context) (int, error) { return p.Add("poll"), nil })
				if err != nil {
					return nil, err
				}
				counts = append(counts, n)
			}
			return counts, nil
		}),
		Drive: one(Data{}),
	},
	{
		// A step may not have the ID that the server gives to a counted one.
		Name: "colliding-ids",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (any, error) {
			for _, id := range []string{"poll", "poll:1", "poll"} {
				if _, err := done(ctx, id); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "nothing-as-a-result",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (any, error) {
			return step.Run(ctx, "nothing", func(context.Context) (any, error) { return nil, nil })
		}),
		Drive: one(Data{}),
	},
	{
		// Numbers become float64 and are written as JavaScript writes them; everything else
		// arrives as it was.
		Name: "odd-values-in-steps",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) ([]string, error) {
			var arrived []string
			for _, sent := range []string{
				`9007199254740993`, `616581622363398142`, `100000000000000000000000`, `1.0`, `-0.0`, `1e300`, `5e-324`,
				`"{\"a\":1}"`, `{"data":null}`, `{"error":{"name":"E","message":"m"}}`, `{"input":1}`, `{"b":1,"a":2}`, `[]`, `""`, `null`,
			} {
				kept, err := step.Run(ctx, "value", func(context.Context) (json.RawMessage, error) { return json.RawMessage(sent), nil })
				if err != nil {
					return nil, err
				}
				arrived = append(arrived, string(kept))
			}
			return arrived, nil
		}),
		Drive: one(Data{}),
	},
	{
		// The server decodes an output that is JSON in a text, unless the app prevents it.
		Name: "output-that-looks-like-json",
		Functions: single(func(context.Context, *Probe, In) (string, error) {
			return `{"a":1}`, nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "odd-numbers-in-outputs",
		Functions: single(func(context.Context, *Probe, In) (json.RawMessage, error) {
			return json.RawMessage(`{"b":9007199254740993,"a":1e300,"c":[1.0,100000000000000000000000]}`), nil
		}),
		Drive: one(Data{}),
	},
	{
		Name: "odd-numbers-in-events",
		Functions: single(func(_ context.Context, _ *Probe, in In) (int64, error) {
			return in.Event.Data.Number, nil
		}),
		Drive: one(Data{Number: 616581622363398142}),
	},
	{
		Name: "event-that-does-not-fit",
		Functions: single(func(_ context.Context, _ *Probe, in In) (int64, error) {
			return in.Event.Data.Number, nil
		}),
		Drive: func(t testing.TB, w World, p *Probe) {
			misfit := inngestkit.DefineEvent[map[string]any](p.Event("").Name()).New(map[string]any{"number": "three"})
			w.Ended(t, w.Send(t, misfit)...)
		},
	},
}
