package parity

import (
	"context"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// aboutCancelled is why the oldest server's verdict on a cancelled run differs.
const aboutCancelled = "events about cancelled runs have an error"

// sleepy defines a function that sleeps for an hour.
func sleepy(options ...inngestkit.Option) func(p *Probe) []inngestkit.Function {
	return single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
		Sleep(ctx, "wait", time.Hour)
		return done(ctx, "awake")
	}, options...)
}

// cancelling sends events, after which n runs of the row have ended.
func cancelling(started []Data, event string, n int, events ...Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		for _, data := range started {
			waiting(t, w, p, data)
		}
		for _, data := range events {
			w.Send(t, inngestkit.DefineEvent[Data](event).New(data))
			w.LetPass(t, 400*time.Millisecond)
		}
		w.EndedOf(t, p.name(""), n)
	}
}

// cancelRows show what cancels runs.
var cancelRows = []Row{
	{
		Name: "cancel-on-a-match",
		Functions: sleepy(flow.CancelOn(inngestkit.DefineEvent[Data]("cancel-on-a-match/stop"),
			flow.Match("data.id"), flow.If("async.data.plan != 'none'"))),
		Drive:  cancelling(withIDs("1", "2"), "cancel-on-a-match/stop", 1, Data{ID: "other"}, Data{ID: "1", Plan: "none"}, Data{ID: "1"}),
		Oldest: aboutCancelled,
	},
	{
		Name:      "cancel-on-a-condition",
		Functions: sleepy(flow.CancelOn(flow.EventNamed("cancel-on-a-condition/stop"), flow.If("event.data.plan == 'free'"))),
		Drive:     cancelling([]Data{{ID: "1", Plan: "free"}, {ID: "2", Plan: "pro"}}, "cancel-on-a-condition/stop", 1, Data{}),
		Oldest:    aboutCancelled,
	},
	{
		Name: "cancel-on-a-missing-path",
		Functions: sleepy(flow.CancelOn(flow.EventNamed("cancel-on-a-missing-path/stop"),
			flow.If("event.data.id == 'x' || event.user.missing == async.data.missing"))),
		Drive:  cancelling(withIDs("1", "2"), "cancel-on-a-missing-path/stop", 2, Data{ID: "3"}),
		Oldest: aboutCancelled,
	},
	{
		Name:      "cancel-on-two-events",
		Functions: sleepy(flow.CancelOn(flow.EventNamed("cancel-on-two-events/a"), flow.If("async.data.id == 'x'")), flow.CancelOn(flow.EventNamed("cancel-on-two-events/b"))),
		Drive:     cancelling(withIDs("1"), "cancel-on-two-events/b", 1, Data{}),
		Oldest:    aboutCancelled,
	},
	{
		Name:      "cancel-after-its-timeout",
		Functions: sleepy(flow.CancelOn(flow.EventNamed("cancel-after-its-timeout/stop"), flow.Timeout(time.Second))),
		Drive: func(t testing.TB, w World, p *Probe) {
			waiting(t, w, p, Data{})
			w.LetPass(t, 1500*time.Millisecond)
			w.Send(t, inngestkit.DefineEvent[Data]("cancel-after-its-timeout/stop").New(Data{}))
			w.LetPass(t, time.Second)
		},
	},
	{
		Name:      "cancel-by-the-api",
		Functions: sleepy(),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := waiting(t, w, p, Data{})
			w.Cancel(t, id)
			w.Ended(t, id)
		},
		Oldest: aboutCancelled,
	},
	{
		Name:      "finish-timeout",
		Functions: sleepy(flow.FinishTimeout(5 * time.Second)),
		Drive:     one(Data{}),
		Oldest:    aboutCancelled,
	},
	{
		Name: "start-timeout",
		Functions: single(func(ctx context.Context, p *Probe, in In) (any, error) {
			p.Note(in.Event.Data.ID + " starts")
			if p.Add(in.Event.Data.ID); in.Event.Data.ID == "first" {
				return nil, p.hold(ctx)
			}
			return nil, nil
		}, flow.Concurrency(1), flow.StartTimeout(8*time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			first := w.Send(t, p.Event("").New(Data{ID: "first"}))[0]
			until(t, w, func() bool { return p.Of("first") > 0 })
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "second"}))...)
			close(p.gate)
			w.Ended(t, first)
		},
		Oldest: aboutCancelled,
	},
	{
		// The result of a step that runs meanwhile is dropped.
		Name: "cancel-while-a-step-runs",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if _, err := done(ctx, "before"); err != nil {
				return "", err
			}
			_, err := step.Run(ctx, "long", func(ctx context.Context) (any, error) {
				p.Note("a step begins")
				p.Add("began")
				err := p.hold(ctx)
				p.Note("it ends")
				return nil, err
			})
			if err != nil {
				return "", err
			}
			return done(ctx, "after")
		}, flow.CancelOn(flow.EventNamed("cancel-while-a-step-runs/stop"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := w.Send(t, p.Event("").New(Data{}))[0]
			until(t, w, func() bool { return p.Of("began") > 0 })
			w.Send(t, inngestkit.DefineEvent[Data]("cancel-while-a-step-runs/stop").New(Data{}))
			w.Ended(t, id)
			close(p.gate)
		},
		Oldest: aboutCancelled,
	},
}
