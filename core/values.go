package inngestkit

import (
	"context"
	"sync"
)

// WithValues returns a context in which functions find values under their keys,
// before they look in ctx. Adapters show so what a framework's middleware has
// stored outside of the request's context; values must not change any more.
func WithValues(ctx context.Context, values map[any]any) context.Context {
	if len(values) == 0 {
		return ctx
	}
	return valuesContext{ctx, values}
}

type valuesContext struct {
	context.Context //nolint:containedctx // this is a context

	values map[any]any
}

// Value implements context.Context.
func (c valuesContext) Value(key any) any {
	if v, ok := c.values[key]; ok {
		return v
	}
	return c.Context.Value(key)
}

// WithLookup is [WithValues] for a framework that cannot list what is stored and
// uses its own context again for other requests: functions look values up, nil for
// none, until end is called. Afterwards they find what is in ctx alone.
func WithLookup(ctx context.Context, lookup func(key any) any) (with context.Context, end func()) {
	c := &lookupContext{Context: ctx, lookup: lookup}
	return c, c.end
}

type lookupContext struct {
	context.Context //nolint:containedctx // this is a context

	mu     sync.RWMutex
	lookup func(key any) any // nil after the end
}

// Value implements context.Context.
func (c *lookupContext) Value(key any) any {
	if v := c.stored(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

func (c *lookupContext) stored(key any) any {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.lookup == nil {
		return nil
	}
	return c.lookup(key)
}

func (c *lookupContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookup = nil
}
