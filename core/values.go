package inngestkit

import "context"

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
