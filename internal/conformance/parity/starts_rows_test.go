package parity

import (
	"context"
	"strconv"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// notes defines a function that notes the IDs of its events, in the order of its runs.
func notes(options ...inngestkit.Option) func(p *Probe) []inngestkit.Function {
	return single(func(_ context.Context, p *Probe, in In) (string, error) {
		p.Note(in.Event.Data.ID + " starts")
		p.clock(in.Event.Data.ID)
		return in.Event.Data.ID, nil
	}, options...)
}

// sequence sends events, one after the other, each when the run of the one before has ended,
// or when the time for a run has passed.
func sequence(events ...Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		for _, data := range events {
			w.Send(t, p.Event("").New(data))
			w.LetPass(t, 700*time.Millisecond)
		}
	}
}

func withIDs(ids ...string) (events []Data) {
	for _, id := range ids {
		events = append(events, Data{ID: id})
	}
	return events
}

// startRows show what delays or drops the start of a run.
var startRows = []Row{
	{
		// Starts are at least the period apart. How much later a run starts, the server leaves
		// open.
		Name:      "throttle",
		Functions: notes(flow.Throttle(1, time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			var ids []string
			for _, data := range withIDs("1", "2", "3") {
				ids = append(ids, w.Send(t, p.Event("").New(data))...)
			}
			w.Ended(t, ids...)
			longest := max(p.passed("1", "2"), p.passed("2", "3"), p.passed("1", "3"))
			p.noteIf(longest > 1500*time.Millisecond, "the last starts more than 1.5 s after the first")
		},
		Unordered: "events that arrive almost together start in any order",
	},
	{
		Name:      "throttle-by-key",
		Functions: notes(flow.Throttle(1, 24*time.Hour, flow.Key("event.data.plan"))),
		Drive:     sequence(Data{ID: "a1", Plan: "a"}, Data{ID: "a2", Plan: "a"}, Data{ID: "b1", Plan: "b"}),
	},
	{
		Name:      "throttle-with-burst",
		Functions: notes(flow.Throttle(1, 24*time.Hour, flow.Burst(3))),
		Drive:     sequence(withIDs("1", "2", "3", "4", "5")...),
		Oldest:    "limit × burst runs start at once, instead of limit + burst",
	},
	{
		Name:      "throttle-with-a-limit",
		Functions: notes(flow.Throttle(2, 24*time.Hour)),
		Drive:     sequence(withIDs("1", "2", "3")...),
	},
	{
		// The attempts of a run that has started do not wait.
		Name: "throttle-and-retries",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (int, error) {
			if _, err := done(ctx, "before"); err != nil {
				return 0, err
			}
			return p.fails(ctx, "flaky", 1)
		}, flow.Throttle(1, 24*time.Hour)),
		Drive: one(Data{}),
	},
	{
		Name:      "rate-limit-by-key",
		Functions: notes(flow.RateLimit(1, 24*time.Hour, flow.Key("event.data.id"))),
		Drive:     sequence(withIDs("a", "a", "b")...),
	},
	{
		// A tenth of the limit is the burst.
		Name:      "rate-limit-with-its-burst",
		Functions: notes(flow.RateLimit(20, 24*time.Hour)),
		Drive:     sequence(withIDs("1", "2", "3", "4")...),
	},
	{
		Name:      "rate-limit-by-a-missing-path",
		Functions: notes(flow.RateLimit(1, 24*time.Hour, flow.Key("event.data.missing"))),
		Drive:     sequence(withIDs("1", "2")...),
	},
	{
		Name:      "idempotency",
		Functions: notes(flow.Idempotency("event.data.id")),
		Drive:     sequence(Data{ID: "a"}, Data{ID: "a", Plan: "pro"}, Data{ID: "b"}),
	},
	{
		Name: "priority",
		Functions: single(func(ctx context.Context, p *Probe, in In) (any, error) {
			p.Note(in.Event.Data.ID + " starts")
			if p.Add(in.Event.Data.ID); in.Event.Data.ID == "blocker" {
				return nil, p.hold(ctx)
			}
			return nil, nil
		}, flow.Concurrency(1), flow.Priority("event.data.plan == 'pro' ? 600 : 0")),
		Drive: func(t testing.TB, w World, p *Probe) {
			ids := w.Send(t, p.Event("").New(Data{ID: "blocker"}))
			until(t, w, func() bool { return p.Of("blocker") > 0 })
			for _, waiting := range []Data{{ID: "1"}, {ID: "2"}, {ID: "3", Plan: "pro"}} {
				id := w.Send(t, p.Event("").New(waiting))
				w.Scheduled(t, id...)
				ids = append(ids, id...)
			}
			w.LetPass(t, moment)
			close(p.gate)
			w.Ended(t, ids...)
		},
	},
	{
		Name: "singleton-skips",
		Functions: single(func(ctx context.Context, p *Probe, _ In) (string, error) {
			answer, err := step.WaitForEvent(ctx, "wait", p.Event("answer"), step.Timeout(time.Hour))
			return answer.Data.ID, err
		}, flow.Singleton(flow.SingletonSkip, flow.Key("event.data.id"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			first := waiting(t, w, p, Data{ID: "a", Number: 1})
			w.Send(t, p.Event("").New(Data{ID: "a", Number: 2}))
			other := waiting(t, w, p, Data{ID: "b", Number: 3})
			answer(t, w, p, Data{ID: "now"})
			w.Ended(t, first, other)
			third := waiting(t, w, p, Data{ID: "a", Number: 4})
			answer(t, w, p, Data{ID: "again"})
			w.Ended(t, third)
		},
	},
	{
		Name: "singleton-cancels",
		Functions: single(func(ctx context.Context, _ *Probe, in In) (string, error) {
			if in.Event.Data.Plan == "slow" {
				Sleep(ctx, "wait", time.Hour)
			}
			return done(ctx, in.Event.Data.Plan)
		}, flow.Singleton(flow.SingletonCancel, flow.Key("event.data.id"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			slow := waiting(t, w, p, Data{ID: "a", Plan: "slow"})
			waiting(t, w, p, Data{ID: "b", Plan: "slow"})
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "a", Plan: "quick"}))...)
			w.Ended(t, slow)
		},
		Oldest: "events about cancelled runs have an error",
	},
	{
		Name:      "debounce",
		Functions: notes(flow.Debounce(debouncePeriod)),
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Ended(t, oneByOne(t, w, inOrder(p, "", withIDs("1", "2", "3")...)...)[2])
			w.Ended(t, w.Send(t, p.Event("").New(Data{ID: "4"}))...)
		},
	},
	{
		Name:      "debounce-by-key",
		Functions: notes(flow.Debounce(debouncePeriod, flow.Key("event.data.plan"))),
		Drive: func(t testing.TB, w World, p *Probe) {
			oneByOne(t, w, inOrder(p, "", Data{ID: "a1", Plan: "a"}, Data{ID: "b1", Plan: "b"}, Data{ID: "a2", Plan: "a"})...)
			w.EndedOf(t, p.name(""), 2)
		},
		Unordered: "the two end at the same time",
	},
	{
		// Times of events count, not the order in which they arrive.
		Name:      "debounce-keeps-the-newest",
		Functions: notes(flow.Debounce(debouncePeriod)),
		Drive: func(t testing.TB, w World, p *Probe) {
			events := inOrder(p, "", withIDs("old", "new")...)
			oneByOne(t, w, events[1], events[0])
			w.EndedOf(t, p.name(""), 1)
		},
	},
	{
		// With a timeout, the server keeps fewer digits of numbers.
		Name: "debounce-with-a-timeout",
		Functions: single(func(_ context.Context, _ *Probe, in In) (int64, error) {
			return in.Event.Data.Number, nil
		}, flow.Debounce(debouncePeriod, flow.Timeout(time.Minute))),
		Drive: func(t testing.TB, w World, p *Probe) {
			oneByOne(t, w, inOrder(p, "", Data{ID: "1"}, Data{ID: "2", Number: 1234567890123456})...)
			w.EndedOf(t, p.name(""), 1)
		},
	},
}

// debouncePeriod is long enough for a busy server to see all events of a row within it. The rows
// run together, and others take longer.
const debouncePeriod = 20 * time.Second

// oneByOne sends events, each when the server has seen the one before. v1.43.0 may start no run
// at all for the first events of a debounce if it sees them at the same time.
func oneByOne(t testing.TB, w World, events ...inngestkit.AnyEvent) (ids []string) {
	t.Helper()
	for i, event := range events {
		if i > 0 {
			w.LetPass(t, 100*time.Millisecond)
		}
		ids = append(ids, w.Send(t, event)...)
	}
	return ids
}

// inOrder returns events for the function id whose times are in order.
func inOrder(p *Probe, id string, data ...Data) []inngestkit.AnyEvent {
	now := time.Now().UnixMilli()
	events := make([]inngestkit.AnyEvent, len(data))
	for i, d := range data {
		event := p.Event(id).New(d)
		event.Timestamp = now + int64(i)
		events[i] = event
	}
	return events
}

// many returns n events that differ in their ID.
func many(n int) (events []Data) {
	for i := range n {
		events = append(events, Data{ID: strconv.Itoa(i)})
	}
	return events
}
