package inngestecho

import (
	"context"
	"sync"

	"github.com/labstack/echo/v4"
)

// valuesContext shows functions what middleware has stored with c.Set. Echo cannot
// list it, so it is looked up, and only as long as the call lasts: afterwards Echo
// gives its context to another request.
type valuesContext struct {
	context.Context //nolint:containedctx // this is a context

	mu   sync.RWMutex
	echo echo.Context // nil after the call
}

// Value implements context.Context.
func (c *valuesContext) Value(key any) any {
	if name, ok := key.(string); ok {
		if v := c.stored(name); v != nil {
			return v
		}
	}
	return c.Context.Value(key)
}

func (c *valuesContext) stored(name string) any {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.echo == nil {
		return nil
	}
	return c.echo.Get(name)
}

func (c *valuesContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.echo = nil
}
