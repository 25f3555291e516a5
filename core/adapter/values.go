package adapter

import (
	"context"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// WithValues returns a context in which functions find the values under their keys;
// they take precedence over those of ctx. Adapters use it to expose what middleware
// has stored outside the request's context, as c.Set does. The map must not change
// afterwards.
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

// Value implements context.Context. A key that cannot be compared has no value.
func (c valuesContext) Value(key any) any {
	// The type of a struct or an interface may be comparable, although its value is not.
	if key != nil && !reflect.ValueOf(key).Comparable() {
		return nil
	}
	if v, ok := c.values[key]; ok {
		return v
	}
	return c.Context.Value(key)
}

// WithLookup is [WithValues] for frameworks that cannot list the stored values and
// that reuse their own context for later requests. Functions call lookup, which
// returns nil for an unknown key, until the adapter calls end. After that they find
// only the values of ctx. lookup must not use the returned context.
//
// Functions may look values up on any goroutine, where a panic would end the process.
// If lookup panics, the key therefore has no value, and logger gets the first panic.
func WithLookup(ctx context.Context, logger *slog.Logger, lookup func(key any) any) (with context.Context, end func()) {
	c := &lookupContext{Context: ctx, logger: logger, lookup: lookup}
	return c, c.end
}

type lookupContext struct {
	context.Context //nolint:containedctx // this is a context

	logger *slog.Logger
	logged atomic.Bool

	mu     sync.RWMutex
	lookup func(key any) any // nil after end
}

// Value implements context.Context.
func (c *lookupContext) Value(key any) any {
	if v := c.stored(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

func (c *lookupContext) stored(key any) (value any) {
	defer func() {
		if r := recover(); r != nil {
			c.logPanic(r)
			value = nil
		}
	}()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.lookup == nil {
		return nil
	}
	return c.lookup(key)
}

func (c *lookupContext) logPanic(panicked any) {
	if c.logged.CompareAndSwap(false, true) {
		safe.Logger(c.logger).Error("inngest: the lookup of values that were stored for a request panicked",
			"panic", safe.Sprint(panicked), "stack", string(debug.Stack()))
	}
}

func (c *lookupContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookup = nil
}
