package parity

import (
	"context"
	"errors"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// waits defines a function that waits for the event of the name "<row>-answer", and returns its
// data or "gave up".
func waits(timeout time.Duration, options ...step.WaitOption) func(p *Probe) []inngestkit.Function {
	return single(func(ctx context.Context, p *Probe, _ In) (any, error) {
		answer, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), append(options, step.Timeout(timeout))...)
		if errors.Is(err, step.ErrTimeout) {
			return done(ctx, "gave up")
		}
		return answer.Data, err
	})
}

// waiting starts a run of the row's function "" that waits.
func waiting(t testing.TB, w World, p *Probe, data Data) (eventID string) {
	id := w.Send(t, p.Event("").New(data))[0]
	w.Reached(t, id, "wait")
	return id
}

// answer sends the events that [waits] waits for, one after the other.
func answer(t testing.TB, w World, p *Probe, answers ...Data) {
	for _, data := range answers {
		w.Send(t, p.Event("answer").New(data))
		w.LetPass(t, 300*time.Millisecond)
	}
}

// answered drives a run that waits, and gets answers.
func answered(asked Data, answers ...Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		id := waiting(t, w, p, asked)
		answer(t, w, p, answers...)
		w.Ended(t, id)
	}
}

// unanswered drives a run that no answer resumes.
func unanswered(asked Data, answers ...Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		waiting(t, w, p, asked)
		answer(t, w, p, answers...)
		w.LetPass(t, time.Second)
	}
}

// waitRows show waits for events and signals.
var waitRows = []Row{
	{
		Name:      "wait-for-a-match",
		Functions: waits(time.Hour, step.Match("data.id"), step.If("async.data.plan != 'none'")),
		Drive:     answered(Data{ID: "u7"}, Data{ID: "other", Plan: "wrong"}, Data{ID: "u7", Plan: "none"}, Data{ID: "u7", Plan: "pro"}),
	},
	{
		Name:      "wait-for-any",
		Functions: waits(time.Hour),
		Drive:     answered(Data{ID: "u1"}, Data{ID: "first", Number: 1<<53 + 1}, Data{ID: "second"}),
	},
	{Name: "wait-in-vain", Functions: waits(time.Second), Drive: one(Data{})},
	{
		Name:      "wait-for-a-number",
		Functions: waits(time.Hour, step.If("async.data.number > event.data.number")),
		Drive:     answered(Data{Number: 5}, Data{Number: 4}, Data{Number: 5}, Data{Number: 6}),
	},
	{
		// A path that neither event has is null, and null equals null.
		Name:      "wait-for-a-missing-path",
		Functions: waits(time.Hour, step.Match("data.missing")),
		Drive:     answered(Data{ID: "1"}, Data{ID: "2"}),
	},
	{
		Name:      "wait-for-a-path-that-one-event-has",
		Functions: waits(time.Hour, step.Match("data.plan")),
		Drive:     unanswered(Data{ID: "1", Plan: "pro"}, Data{ID: "2"}),
	},
	{
		// A value with a quote, a backslash or an invisible character never matches.
		Name:      "wait-for-a-quote",
		Functions: waits(time.Hour, step.Match("data.id")),
		Drive: func(t testing.TB, w World, p *Probe) {
			odd := []Data{{ID: `a "quoted" ID`}, {ID: `a\b`}, {ID: "a\u200bb"}}
			plain := Data{ID: "a 'plain' ID"}
			for _, data := range odd {
				waiting(t, w, p, data)
			}
			resumed := waiting(t, w, p, plain)
			answer(t, w, p, append(odd, plain)...)
			w.Ended(t, resumed)
			w.LetPass(t, time.Second)
		},
	},
	{
		Name: "wait-for-a-name-in-brackets",
		Functions: func(p *Probe) []inngestkit.Function {
			type hyphened struct {
				UserID string `json:"user-id"`
			}
			end := inngestkit.DefineEvent[hyphened](p.name("answer"))
			return []inngestkit.Function{OnTrigger(p, "", inngestkit.DefineEvent[hyphened](p.name("")),
				func(ctx context.Context, _ inngestkit.Input[hyphened]) (string, error) {
					answer, err := step.WaitForEvent(ctx, "wait", end, step.Timeout(time.Hour), step.Match(`data["user-id"]`))
					return answer.Data.UserID, err
				})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			begin, end := inngestkit.DefineEvent[map[string]string](p.name("")), inngestkit.DefineEvent[map[string]string](p.name("answer"))
			id := w.Send(t, begin.New(map[string]string{"user-id": "1"}))[0]
			w.Reached(t, id, "wait")
			w.Send(t, end.New(map[string]string{"user-id": "2"}))
			w.LetPass(t, 300*time.Millisecond)
			w.Send(t, end.New(map[string]string{"user-id": "1"}))
			w.Ended(t, id)
		},
	},
	{
		Name:      "one-event-resumes-two-runs",
		Functions: waits(time.Hour),
		Drive: func(t testing.TB, w World, p *Probe) {
			first, second := waiting(t, w, p, Data{ID: "1"}), waiting(t, w, p, Data{ID: "2"})
			answer(t, w, p, Data{ID: "both"})
			w.Ended(t, first, second)
		},
	},
	{
		Name: "event-before-the-wait",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			if _, err := step.SendEvent(ctx, "send", p.Event("answer").New(Data{})); err != nil {
				return "", err
			}
			Sleep(ctx, "until it is handled", 10*time.Second)
			_, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Second))
			if errors.Is(err, step.ErrTimeout) {
				return "gave up", nil
			}
			return "resumed", err
		}),
		Drive: one(Data{}),
	},
	{
		Name: "event-after-the-timeout",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			_, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Second))
			Sleep(ctx, "longer", 10*time.Second)
			if errors.Is(err, step.ErrTimeout) {
				return "gave up", nil
			}
			return "resumed", err
		}),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := waiting(t, w, p, Data{})
			w.LetPass(t, 1500*time.Millisecond)
			answer(t, w, p, Data{})
			w.Ended(t, id)
		},
	},
	{
		Name: "one-wait-after-the-other",
		Functions: single(func(ctx context.Context, p *Probe, _ In) ([]string, error) {
			var ids []string
			for _, id := range []string{"wait", "wait again"} {
				answer, err := step.WaitForEvent(ctx, id, p.Event("answer"), step.Timeout(time.Hour))
				if err != nil {
					return nil, err
				}
				ids = append(ids, answer.Data.ID)
			}
			return ids, nil
		}),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := waiting(t, w, p, Data{})
			answer(t, w, p, Data{ID: "1"})
			w.Reached(t, id, "wait again")
			answer(t, w, p, Data{ID: "2"})
			w.Ended(t, id)
		},
	},
	{Name: "wait-for-nonsense", Functions: waits(time.Hour, step.If("async.data.id == ==")), Drive: one(Data{})},
	{
		Name:      "wait-for-no-boolean",
		Functions: waits(time.Hour, step.If("async.data.number")),
		Drive:     unanswered(Data{}, Data{Number: 1}),
	},
	{
		Name: "signal",
		Functions: single(func(ctx context.Context, _ *Probe, in In) (Data, error) {
			return step.WaitForSignal[Data](ctx, "wait", "signal/"+in.Event.Data.ID, step.Timeout(time.Hour))
		}),
		Drive: func(t testing.TB, w World, p *Probe) {
			id := waiting(t, w, p, Data{ID: "7"})
			p.noteIf(w.Signal(t, "signal/other", nil), "a run waits for another signal")
			p.noteIf(w.Signal(t, "signal/7", Data{ID: "approved", Number: 1<<53 + 1}), "a run waits for the signal")
			w.Ended(t, id)
			p.noteIf(w.Signal(t, "signal/7", nil), "a run waits for the signal again")
		},
	},
	{
		Name: "signal-in-vain",
		Functions: single(func(ctx context.Context, _ *Probe, _ In) (string, error) {
			_, err := step.WaitForSignal[any](ctx, "wait", "signal-in-vain", step.Timeout(time.Second))
			if errors.Is(err, step.ErrTimeout) {
				return "gave up", nil
			}
			return "resumed", err
		}),
		Drive: one(Data{}),
	},
	{Name: "signal-conflict", Functions: waitsForSignal(), Drive: func(t testing.TB, w World, p *Probe) {
		first := waiting(t, w, p, Data{ID: "conflict", Number: 3600})
		w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "conflict", Number: 3600}))...)
		w.Signal(t, "conflict", "first")
		w.Ended(t, first)
	}},
	{Name: "signal-replaced", Functions: waitsForSignal(step.Replace()), Drive: func(t testing.TB, w World, p *Probe) {
		first := waiting(t, w, p, Data{ID: "replaced", Number: 5})
		second := waiting(t, w, p, Data{ID: "replaced", Number: 3600})
		w.Signal(t, "replaced", "second")
		w.Ended(t, first, second)
	}},
}

// waitsForSignal defines a function that waits for the signal that its event names, as many
// seconds as the event has.
func waitsForSignal(options ...step.SignalOption) func(p *Probe) []inngestkit.Function {
	return single(func(ctx context.Context, _ *Probe, in In) (string, error) {
		text, err := step.WaitForSignal[string](ctx, "wait", in.Event.Data.ID, append(options, step.Timeout(time.Duration(in.Event.Data.Number)*time.Second))...)
		if errors.Is(err, step.ErrTimeout) {
			return "in vain", nil
		}
		return text, err
	}, flow.Retries(0))
}
