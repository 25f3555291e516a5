package conformance

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// The server applies flow control. These tests show what it does, so one adapter is
// enough. Most of flow control is in package parity; these functions meet each other, or need
// more time than its rows have.
func TestFlowControl(t *testing.T) {
	t.Parallel()
	server := testsite.NewServer(t)
	all := slices.Concat(limitScenarios, eventScenarios)
	counters := make([]counter, len(all))
	functions := []inngestkit.Function{inngestkit.OnEvent("while", aWhile, func(ctx context.Context, _ input) (any, error) {
		step.Sleep(ctx, "pass", 2*time.Second)
		return nil, nil
	})}
	for i, sc := range all {
		functions = append(functions, sc.functions(&counters[i])...)
	}
	s := &site{serve(t, server, adapters[0], "flow", "", functions...), server}
	for i, sc := range all {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			sc.check(t, s, &counters[i])
		})
	}
}

var aWhile = inngestkit.DefineEvent[user]("while")

// seen returns a function that records the ID it was called with.
func seen(c *counter) func(context.Context, input) (any, error) {
	return func(_ context.Context, in input) (any, error) { c.Add(in.Event.Data.ID); return nil, nil }
}

// letPass gives the server two seconds of its own time before a test checks that something
// has not happened.
func (s *site) letPass(t *testing.T) {
	t.Helper()
	require.Equal(t, devserver.RunCompleted, s.run(t, aWhile.New(user{})).Status)
}

// oldest reports whether the server is the oldest supported version, which lacks some of what
// all newer ones have; see docs/servers.md.
func oldest(server *devserver.Server) bool { return server.Version() == devserver.OldestVersion }

// sendAll sends events, one request each, in the order given, and returns their IDs.
func (s *site) sendAll(t *testing.T, event inngestkit.EventType[user], data ...user) []string {
	t.Helper()
	ids := make([]string, len(data))
	for i, d := range data {
		ids[i] = s.send(t, event.New(d))
	}
	return ids
}

// allEnded waits for the end of the one run that each event triggered.
func (s *site) allEnded(t *testing.T, eventIDs ...string) []devserver.Run {
	t.Helper()
	runs := make([]devserver.Run, len(eventIDs))
	for i, id := range eventIDs {
		runs[i] = s.ended(t, id)
	}
	return runs
}

// longTimeout is the timeout for what takes the server several of its own intervals.
const longTimeout = 2 * time.Minute

// noRuns requires that the events have triggered no run.
func (s *site) noRuns(t *testing.T, eventIDs ...string) {
	t.Helper()
	for _, id := range eventIDs {
		runs, err := s.server.Runs(testsite.Within(t), id)
		require.NoError(t, err)
		require.Empty(t, runs)
	}
}

// A gauge measures how many calls are in it at the same time.
type gauge struct {
	mu        sync.Mutex
	now, most int
	changed   chan struct{}
}

func (g *gauge) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.most = max(g.most, g.now)
	if g.changed != nil {
		close(g.changed)
	}
	g.changed = make(chan struct{})
}

func (g *gauge) peak() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.most
}

// company waits until n calls have been in the gauge at once, or ctx ends.
func (g *gauge) company(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		most, changed := g.most, g.changed
		g.mu.Unlock()
		if most >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hold is how long a call stays in a gauge: long enough for others to enter that should
// not.
const hold = 100 * time.Millisecond

// visit keeps a call in the gauge until n calls have been in it at once, and a moment
// longer.
func (g *gauge) visit(ctx context.Context, n int) error {
	g.add(1)
	defer g.add(-1)
	ctx, cancel := context.WithTimeout(ctx, testsite.Timeout)
	defer cancel()
	if err := g.company(ctx, n); err != nil {
		return err
	}
	time.Sleep(hold)
	return nil
}

// order is the order in which calls arrived.
type order struct {
	mu    sync.Mutex
	names []string
	times []time.Time
}

func (o *order) add(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names = append(o.names, name)
	o.times = append(o.times, time.Now())
}

func (o *order) all() ([]string, []time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.names), slices.Clone(o.times)
}
