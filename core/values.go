package inngestkit

import (
	"context"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/inngestkit/inngestkit/core/internal/safe"
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

// WithCopies is [WithValues] for a framework that uses the memory of a request again
// for later ones: visit calls its argument with each key and value, and of those that
// are strings, or slices of strings or bytes, the functions see copies. What other
// values point to is not copied.
func WithCopies(ctx context.Context, visit func(visitor func(key, value any))) context.Context {
	values := map[any]any{}
	visit(func(key, value any) {
		if isComparable(key) {
			values[copied(key)] = copied(value)
		}
	})
	return WithValues(ctx, values)
}

func copied(value any) any {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.String:
		return reflect.ValueOf(strings.Clone(v.String())).Convert(v.Type()).Interface()
	case v.Kind() != reflect.Slice || v.IsNil():
		return value
	case v.Type().Elem().Kind() == reflect.Uint8:
		return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v).Interface()
	case v.Type().Elem().Kind() == reflect.String:
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).SetString(strings.Clone(v.Index(i).String()))
		}
		return c.Interface()
	default:
		return value
	}
}

// isComparable reports whether key can be compared: a struct or an interface may be
// so by its type and not by what is in it.
func isComparable(key any) bool { return key == nil || reflect.ValueOf(key).Comparable() }

type valuesContext struct {
	context.Context //nolint:containedctx // this is a context

	values map[any]any
}

// Value implements context.Context. A key that cannot be compared has no value.
func (c valuesContext) Value(key any) any {
	if !isComparable(key) {
		return nil
	}
	if v, ok := c.values[key]; ok {
		return v
	}
	return c.Context.Value(key)
}

// WithLookup is [WithValues] for a framework that cannot list what is stored and
// uses its own context again for other requests: functions look values up, nil for
// none, until end is called. Afterwards they find what is in ctx alone. The lookup
// must not ask the context it is for. Where it panics it has none, and that is
// logged, once: contexts are asked on goroutines, too, on which a panic ends the process.
func WithLookup(ctx context.Context, lookup func(key any) any) (with context.Context, end func()) {
	c := &lookupContext{Context: ctx, lookup: lookup}
	return c, c.end
}

type lookupContext struct {
	context.Context //nolint:containedctx // this is a context

	mu     sync.RWMutex
	lookup func(key any) any // nil after the end

	complained atomic.Bool
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
			c.complain(r)
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

func (c *lookupContext) complain(panicked any) {
	if c.complained.CompareAndSwap(false, true) {
		safe.Logger(Logger(c.Context)).Error("inngest: the lookup of values that were stored for a request panicked",
			"panic", safe.Sprint(panicked), "stack", string(debug.Stack()))
	}
}

func (c *lookupContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookup = nil
}
