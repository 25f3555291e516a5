package conformance

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

// scenario is one thing that must work on the real server with every adapter:
// functions, and what to do with them. Each gets counters of its own.
type scenario struct {
	name      string
	functions func(c *counter) []inngestkit.Function
	check     func(t *testing.T, s *site, c *counter)
}

// site is an app that serves all scenarios, and the server it is synced with.
type site struct {
	*instance

	server *inngesttest.Server
}

func TestRealServer(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		server := newServer(t)
		counters := make([]counter, len(scenarios))
		var functions []inngestkit.Function
		for i, sc := range scenarios {
			functions = append(functions, sc.functions(&counters[i])...)
		}
		s := &site{serve(t, server, with, "shop", "", functions...), server}
		for i, sc := range scenarios {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				sc.check(t, s, &counters[i])
			})
		}
	})
}

// send sends one event and returns its ID.
func (s *site) send(t *testing.T, event inngestkit.AnyEvent) string {
	t.Helper()
	ids, err := s.app.Send(within(t), event)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

// run sends an event and waits for the one run it triggers to end.
func (s *site) run(t *testing.T, event inngestkit.AnyEvent) inngesttest.Run {
	t.Helper()
	runs, err := s.server.AwaitRuns(within(t), s.send(t, event), 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	return runs[0]
}

// counter counts how often the parts of a function run, and lets a test wait
// for a part.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
	seen   map[string]chan struct{}
}

// add counts a part and returns how often it has run.
func (c *counter) add(part string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[part]++
	if c.counts[part] == 1 {
		close(c.channel(part))
	}
	return c.counts[part]
}

func (c *counter) of(part string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[part]
}

// await waits until part has run.
func (c *counter) await(t *testing.T, part string) {
	t.Helper()
	c.mu.Lock()
	seen := c.channel(part)
	c.mu.Unlock()
	select {
	case <-seen:
	case <-within(t).Done():
		require.Fail(t, "never ran", part)
	}
}

func (c *counter) channel(part string) chan struct{} {
	if c.seen == nil {
		c.seen = map[string]chan struct{}{}
	}
	if c.seen[part] == nil {
		c.seen[part] = make(chan struct{})
	}
	return c.seen[part]
}

// counted is a step that counts its runs and returns its own ID.
func (c *counter) counted(ctx context.Context, id string) (string, error) {
	return step.Run(ctx, id, func(context.Context) (string, error) {
		c.add(id)
		return id, nil
	})
}
