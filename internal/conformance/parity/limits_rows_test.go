package parity

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
)

// A gauge measures how many are in it at the same time.
type gauge struct {
	mu        sync.Mutex
	now, most int
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.most = max(g.most, g.now)
}

// peak returns the most that have been in the gauge.
func (g *gauge) peak() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

// gauges are gauges by name.
type gauges struct {
	mu sync.Mutex
	by map[string]*gauge
}

func (g *gauges) of(name string) *gauge {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = map[string]*gauge{}
	}
	if g.by[name] == nil {
		g.by[name] = &gauge{}
	}
	return g.by[name]
}

// limited is a row in which calls, or runs if they stay for a sleep, are counted together and
// by the ID of their event, and no limit is exceeded.
func limited(name string, events []Data, most, mostOfEach int, runs bool, options ...inngestkit.Option) Row {
	return Row{
		Name: name,
		Functions: single(func(ctx context.Context, p *Probe, in In) (any, error) {
			all, own := p.gauges.of(""), p.gauges.of(in.Event.Data.ID)
			if !runs {
				visit(all, own)
				return nil, nil
			}
			return nil, stay(ctx, all, own)
		}, options...),
		Drive: func(t testing.TB, w World, p *Probe) {
			var ids []string
			for _, data := range events {
				ids = append(ids, w.Send(t, p.Event("").New(data))...)
			}
			w.Ended(t, ids...)
			if runs && oldest(w) {
				return // it ignores limits on runs
			}
			require.LessOrEqual(t, p.gauges.of("").peak(), most)
			for _, data := range events {
				require.LessOrEqual(t, p.gauges.of(data.ID).peak(), mostOfEach, "of %s", data.ID)
			}
		},
	}
}

// hold is how long calls stay in a gauge: long enough for others to enter that should not.
const hold = 150 * time.Millisecond

// visit keeps a call in gauges for some time.
func visit(gauges ...*gauge) {
	for _, g := range gauges {
		g.add(1)
		defer g.add(-1)
	}
	time.Sleep(hold)
}

// stay keeps a run in gauges from its first step to its last, asleep in between.
func stay(ctx context.Context, gauges ...*gauge) error {
	count := func(id string, n int) error {
		_, err := step.Run(ctx, id, func(context.Context) (any, error) {
			for _, g := range gauges {
				g.add(n)
			}
			return nil, nil
		})
		return err
	}
	if err := count("enter", 1); err != nil {
		return err
	}
	Sleep(ctx, "stay", 700*time.Millisecond)
	return count("leave", -1)
}

// limitRows show limits on what runs at the same time.
var limitRows = []Row{
	limited("concurrency-of-two", many(8), 2, 1, false, flow.Concurrency(2)),
	limited("concurrency-by-key", withIDs("a", "a", "b", "b", "c"), 3, 1, false, flow.Concurrency(1, flow.Key("event.data.id"))),
	limited("concurrency-twice", withIDs("a", "b", "c", "a", "b"), 2, 1, false,
		flow.Concurrency(2), flow.Concurrency(1, flow.Key("event.data.id"))),
	limited("concurrency-of-sleeping-runs", many(4), 4, 1, true, flow.Concurrency(1)),
	limited("fn-concurrency", many(4), 2, 1, true, flow.FnConcurrency(2)),
	limited("fn-concurrency-by-key", withIDs("a", "b", "a", "b"), 2, 1, true, flow.FnConcurrency(1, flow.Key("event.data.id"))),
	{
		Name: "concurrency-of-two-functions",
		Functions: func(p *Probe) []inngestkit.Function {
			shared := flow.Concurrency(1, flow.Key(`"shared"`), flow.Scope(flow.ScopeAccount))
			visits := func(context.Context, In) (any, error) { visit(p.gauges.of("")); return nil, nil }
			return []inngestkit.Function{On(p, "a", visits, shared), On(p, "b", visits, shared)}
		},
		Drive: func(t testing.TB, w World, p *Probe) {
			var ids []string
			for _, data := range many(3) {
				ids = append(ids, w.Send(t, p.Event("a").New(data))...)
				ids = append(ids, w.Send(t, p.Event("b").New(data))...)
			}
			w.Ended(t, ids...)
			require.Equal(t, 1, p.gauges.of("").peak())
		},
	},
}
