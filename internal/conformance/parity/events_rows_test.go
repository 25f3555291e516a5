package parity

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// echo returns the ID that its event has.
func echo(_ context.Context, in In) (string, error) { return in.Event.Data.ID, nil }

// echoes defines a function on a trigger that returns the name and the ID of its event.
func echoes(p *Probe, id string, trigger inngestkit.Trigger[Data], options ...inngestkit.Option) inngestkit.Function {
	return OnTrigger(p, id, trigger, func(_ context.Context, in In) (string, error) {
		return in.Event.Name + " " + in.Event.Data.ID, nil
	}, options...)
}

// eventRows show which events start which runs.
var eventRows = []Row{
	{
		Name: "send-starts-another-function",
		Functions: func(p *Probe) []inngestkit.Function {
			ship := On(p, "ship", echo)
			return []inngestkit.Function{ship, On(p, "", func(ctx context.Context, in In) (int, error) {
				ids, err := step.SendEvent(ctx, "send", p.Event("ship").New(in.Event.Data))
				if err != nil {
					return 0, err
				}
				_, err = done(ctx, "after")
				return len(ids), err
			})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "o1"}))...)
			w.EndedOf(t, p.name("ship"), 1)
		},
	},
	{
		Name: "send-several",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{On(p, "in", echo), On(p, "", func(ctx context.Context, _ In) (int, error) {
				ids, err := step.SendEvent(ctx, "send", p.Event("in").New(Data{ID: "a"}), p.Event("in").New(Data{ID: "b"}),
					inngestkit.DefineEvent[map[string]int](p.name("of another type")).New(map[string]int{"count": 3}))
				return len(ids), err
			})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{}))...)
			w.EndedOf(t, p.name("in"), 2)
		},
	},
	{
		// The second attempt sends again.
		Name: "send-is-retried",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{On(p, "in", echo), On(p, "", func(ctx context.Context, _ In) (any, error) {
				return step.Run(ctx, "send", func(ctx context.Context) (any, error) {
					if _, err := inngestkit.Send(ctx, p.Event("in").New(Data{ID: "a"})); err != nil {
						return nil, err
					}
					if p.Add("sent") == 1 {
						return nil, errNotYet
					}
					return "sent", nil
				})
			})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, p.Event("").New(Data{}))...)
			w.EndedOf(t, p.name("in"), 2)
		},
	},
	{
		Name: "two-functions-on-one-event",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{echoes(p, "a", p.Event("")), echoes(p, "b", p.Event(""))}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Send(t, p.Event("").New(Data{ID: "1"}))
			w.EndedOf(t, p.name("a"), 1)
			w.EndedOf(t, p.name("b"), 1)
		},
	},
	{
		Name: "trigger-with-a-condition",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{echoes(p, "", p.Event("").If("event.data.plan == 'pro' && event.data.number > 2"))}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Send(t, p.Event("").New(Data{ID: "free", Plan: "free", Number: 3}))
			w.Send(t, p.Event("").New(Data{ID: "few", Plan: "pro", Number: 2}))
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "pro", Plan: "pro", Number: 3}))...)
		},
	},
	{
		// Conditions on what an event lacks: it is null, equals null, and is less than anything.
		Name: "trigger-on-a-missing-path",
		Functions: func(p *Probe) []inngestkit.Function {
			var functions []inngestkit.Function
			for i, condition := range []string{
				"event.data.missing == null", "event.data.missing != null", "event.data.missing == 'x'", "event.data.missing != 'x'",
				"event.data.missing < 1", "event.data.missing > 1", "event.data.missing == event.data.other", "!event.data.missing",
				"event.data.id + event.data.missing == '1'", "size(event.data.missing) == 0", "event.data.id in event.data.missing",
				"event.data.id == 1", "event.data.id < 2", "event.data.number == 7", "event.data.number == 7.0", "lowercase(event.data.plan) == 'pro'",
				"event.data.id.startsWith('1')", "event.data.missing.startsWith('1')",
			} {
				functions = append(functions, echoes(p, strconv.Itoa(i), p.Event("").If(condition)))
			}
			return functions
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Send(t, p.Event("").New(Data{ID: "1", Plan: "PRO", Number: 7}))
			w.LetPass(t, time.Second)
		},
	},
	{
		// Newer servers treat operands of && and || as JavaScript does.
		Name: "trigger-with-truthy-operands",
		Functions: func(p *Probe) []inngestkit.Function {
			var functions []inngestkit.Function
			for i, condition := range []string{
				"event.data.id && event.data.number == 7", "event.data.missing || event.data.number == 7", "event.data.number ? true : false",
				"event.data.plan && true", "event.data.missing && true",
			} {
				functions = append(functions, echoes(p, strconv.Itoa(i), p.Event("").If(condition)))
			}
			return functions
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Send(t, p.Event("").New(Data{ID: "1", Number: 7}))
			w.LetPass(t, time.Second)
		},
		Oldest: "operands that are not booleans are errors",
	},
	{
		Name: "several-types-of-events",
		Functions: func(p *Probe) []inngestkit.Function {
			type invoice struct {
				ID    string `json:"id"`
				Total int    `json:"total"`
			}
			return []inngestkit.Function{OnTrigger(p, "", inngestkit.AnyOfTypes(
				inngestkit.DefineEvent[invoice](p.name("invoice")), p.Event("user").If("event.data.plan == 'pro'")),
				func(_ context.Context, in inngestkit.Input[any]) (string, error) {
					return fmt.Sprintf("%T", in.Event.Data), nil
				}, flow.Concurrency(1, flow.Key("event.data.id")))}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, w.Send(t, inngestkit.DefineEvent[map[string]any](p.name("invoice")).New(map[string]any{"id": "i1", "total": 7}))...)
			w.Ended(t, w.Send(t, p.Event("user").New(Data{ID: "u1", Plan: "pro"}))...)
			w.Send(t, p.Event("user").New(Data{ID: "u2", Plan: "free"}))
		},
	},
	{
		Name: "wildcard",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{
				echoes(p, "slash", inngestkit.DefineEvent[Data]("wildcard/*")), echoes(p, "deep", inngestkit.DefineEvent[Data]("wildcard/user/*")),
				echoes(p, "dot", inngestkit.DefineEvent[Data]("wildcard/user.*")),
			}
		},
		Drive: func(t testing.TB, w World, _ *Probe) {
			for _, name := range []string{"wildcard/user", "wildcard/user/created", "wildcard/user.created", "wildcard"} {
				w.Send(t, inngestkit.DefineEvent[Data](name).New(Data{ID: name}))
			}
			w.LetPass(t, time.Second)
		},
	},
	{
		// An event ID starts a function once.
		Name:      "same-event-id-twice",
		Functions: func(p *Probe) []inngestkit.Function { return []inngestkit.Function{On(p, "", echo)} },
		Drive: func(t testing.TB, w World, p *Probe) {
			for _, data := range []string{"first", "second"} {
				event := p.Event("").New(Data{ID: data})
				event.ID = new("same-event-id-twice")
				w.Send(t, event)
				w.LetPass(t, 500*time.Millisecond)
			}
		},
	},
	{
		Name: "event-of-the-future",
		Functions: func(p *Probe) []inngestkit.Function {
			return []inngestkit.Function{On(p, "", func(_ context.Context, in In) (bool, error) {
				return time.Now().UnixMilli() >= in.Event.Timestamp, nil
			})}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			event := p.Event("").New(Data{})
			event.Timestamp = time.Now().Add(2 * time.Second).UnixMilli()
			runs := w.Ended(t, w.Send(t, event)...)
			require.Equal(t, "true", string(runs[0].Output))
		},
	},
}
