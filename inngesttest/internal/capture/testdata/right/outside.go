package right

import (
	"context"
	"errors"
	"sync"

	"github.com/inngestkit/inngestkit/core/step"
)

// Values from outside the function.

func packageVariable(ctx context.Context, in Input) (int, error) {
	_, err := step.Run(ctx, "count", func(ctx context.Context) (none, error) { processed++; return none{}, nil })
	return processed, err
}

func counterOfATest() func(ctx context.Context, in Input) (int, error) {
	attempts, seen := 0, map[string]bool{}
	handler := func(ctx context.Context, in Input) (int, error) {
		_, err := step.Run(ctx, "count", func(ctx context.Context) (none, error) {
			attempts++
			seen[in.Event.Data.ID] = true
			return none{}, nil
		})
		if attempts > 3 && seen["x"] {
			return 0, errors.New("too often")
		}
		return attempts, err
	}
	return handler
}

type service struct {
	client *client
	cache  map[string]int
	mu     sync.Mutex
}

func (s *service) receiver(ctx context.Context, in Input) (int, error) {
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) {
		s.client.calls++
		s.cache["a"] = 1
		s.client = dial()
		return none{}, nil
	})
	return s.client.calls + len(s.cache), err
}

func (s *service) throughLocals(ctx context.Context, in Input) (int, error) {
	c, cache := s.client, s.cache
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.calls++
		cache["a"] = 1
		return none{}, nil
	})
	return c.calls + cache["a"], err
}

func throughParameter(ctx context.Context, in Input) (int, error) { return counted(ctx, dial()) }

func counted(ctx context.Context, c *client) (int, error) {
	_, err := step.Run(ctx, "call", func(ctx context.Context) (none, error) { c.calls++; return none{}, nil })
	return c.calls, err
}
