package testsite

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/step"
)

// Counter counts how often the parts of a function run, and lets a test wait for a
// part. The zero value is ready.
type Counter struct {
	mu     sync.Mutex
	counts map[string]int
	seen   map[string]chan struct{}
}

// Add counts a part and returns how often it has run.
func (c *Counter) Add(part string) int {
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

// Of returns how often a part has run.
func (c *Counter) Of(part string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[part]
}

// Await waits up to [Timeout] until a part has run.
func (c *Counter) Await(t *testing.T, part string) {
	t.Helper()
	require.NoError(t, c.Wait(t.Context(), part))
}

// Wait is [Counter.Await] for use in a function.
func (c *Counter) Wait(ctx context.Context, part string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
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

// Counted runs a step that counts its runs and returns its own ID.
func (c *Counter) Counted(ctx context.Context, id string) (string, error) {
	return step.Run(ctx, id, func(context.Context) (string, error) {
		c.Add(id)
		return id, nil
	})
}

func (c *Counter) channel(part string) chan struct{} {
	if c.seen == nil {
		c.seen = map[string]chan struct{}{}
	}
	if c.seen[part] == nil {
		c.seen[part] = make(chan struct{})
	}
	return c.seen[part]
}
