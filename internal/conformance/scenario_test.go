package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
		all := slices.Concat(scenarios, stepScenarios, parallelScenarios, requestScenarios, failureScenarios)
		counters := make([]counter, len(all))
		var functions []inngestkit.Function
		for i, sc := range all {
			functions = append(functions, sc.functions(&counters[i])...)
		}
		s := &site{serve(t, server, with, "shop", "", functions...), server}
		for i, sc := range all {
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
	return s.ended(t, s.send(t, event))
}

// ended waits for the one run that an event triggers to end.
func (s *site) ended(t *testing.T, eventID string) inngesttest.Run {
	t.Helper()
	runs, err := s.server.AwaitRuns(withinTime(t, longTimeout), eventID, 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	return runs[0]
}

// signal sends a signal and returns the ID of the run that it resumes.
func (s *site) signal(t *testing.T, name string, data any) (runID string) {
	t.Helper()
	var answer struct {
		Data struct {
			RunID string `json:"run_id"`
		} `json:"data"`
	}
	in := map[string]any{"signal": name, "data": data}
	require.NoError(t, s.server.Do(within(t), http.MethodPost, "/v1/signals", in, &answer))
	return answer.Data.RunID
}

// userEvent is an event of a scenario's own.
func userEvent(name string) inngestkit.EventType[user] { return inngestkit.NewEvent[user](name) }

// onUser is the function id for the event.
func onUser[R any](
	id, event string, handler func(context.Context, input) (R, error), options ...inngestkit.Option,
) inngestkit.TypedFunction[user, R] {
	return inngestkit.OnEvent(id, userEvent(event), handler, options...)
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
	require.NoError(t, c.wait(within(t), part))
}

// wait is await in a function, for testTimeout at most.
func (c *counter) wait(ctx context.Context, part string) error {
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	c.mu.Lock()
	seen := c.channel(part)
	c.mu.Unlock()
	select {
	case <-seen:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s never ran: %w", part, ctx.Err())
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
