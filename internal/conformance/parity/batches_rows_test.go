package parity

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
)

// collects defines a function that returns the IDs of its events, sorted: the server leaves the
// order of events open that arrive together.
func collects(options ...inngestkit.Option) func(p *Probe) []inngestkit.Function {
	return single(func(_ context.Context, _ *Probe, in In) (string, error) {
		ids := make([]string, len(in.Events))
		for i, e := range in.Events {
			ids[i] = e.Data.ID
		}
		slices.Sort(ids)
		return strings.Join(ids, ","), nil
	}, options...)
}

// together sends events in one request and waits until n runs have ended.
func together(n int, events ...Data) func(t testing.TB, w World, p *Probe) {
	return func(t testing.TB, w World, p *Probe) {
		w.Send(t, inOrder(p, "", events...)...)
		w.EndedOf(t, p.name(""), n)
	}
}

// batchRows show batches. Events of a batch have the same data, where their order is open. The
// timeouts are short, because a busy server may handle events of one request more than half a
// second apart, and then v1.43.0 does not notice that their batch is full.
var batchRows = []Row{
	{
		Name:      "batch-that-fills",
		Functions: collects(flow.BatchEvents(3, 10*time.Second)),
		Drive:     together(1, withIDs("x", "x", "x")...),
	},
	{
		Name:      "batch-that-does-not-fill",
		Functions: collects(flow.BatchEvents(100, 5*time.Second)),
		Drive:     together(1, withIDs("x", "x")...),
	},
	{
		Name:      "batch-that-overflows",
		Functions: collects(flow.BatchEvents(2, 5*time.Second)),
		Drive:     together(2, withIDs("x", "x", "x")...),
	},
	{
		Name:      "batch-by-key",
		Functions: collects(flow.BatchEvents(2, 10*time.Second, flow.Key("event.data.id"))),
		Drive:     together(2, withIDs("a", "b", "a", "b")...),
	},
	{
		Name:      "batch-with-a-condition",
		Functions: collects(flow.BatchEvents(2, 10*time.Second, flow.If("event.data.plan == 'free'"))),
		Drive:     together(2, Data{ID: "x", Plan: "free"}, Data{ID: "y", Plan: "pro"}, Data{ID: "x", Plan: "free"}),
	},
	{
		// A batch that opened half a second ago waits for its timeout, also when it fills.
		Name:      "batch-that-fills-slowly",
		Functions: collects(flow.BatchEvents(2, 40*time.Second)),
		Drive: func(t testing.TB, w World, p *Probe) {
			w.Send(t, p.Event("").New(Data{ID: "1"}))
			w.LetPass(t, 1500*time.Millisecond)
			w.Send(t, p.Event("").New(Data{ID: "2"}))
			w.LetPass(t, 2*time.Second)
			p.noteIf(len(w.RunsOf(t, p.name(""))) > 0, "the full batch starts at once")
			w.EndedOf(t, p.name(""), 1)
		},
		Oldest: "a batch starts when it is full",
	},
	{
		Name: "batch-with-failing-steps",
		Functions: single(func(ctx context.Context, p *Probe, in In) (int, error) {
			if _, err := p.fails(ctx, "flaky", 1); err != nil {
				return 0, err
			}
			Sleep(ctx, "nap", 100*time.Millisecond)
			return len(in.Events), nil
		}, flow.BatchEvents(2, 10*time.Second), flow.Concurrency(1)),
		Drive: together(1, withIDs("x", "x")...),
	},
	{
		Name: "batch-that-fails",
		Functions: single(func(context.Context, *Probe, In) (any, error) {
			return nil, inngestkit.NoRetry(errNotYet)
		}, flow.BatchEvents(2, 10*time.Second), inngestkit.OnFailure(handleFailure)),
		Drive: func(t testing.TB, w World, p *Probe) {
			together(1, withIDs("x", "x")...)(t, w, p)
			w.EndedOf(t, p.name("")+"-failure", 1)
		},
	},
}
