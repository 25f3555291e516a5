package inngestfiber

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// contextOf is a context of the request's own, and what ends it with the request. It
// is no child of Fiber's, which ends with the server and not with the request, and
// lets that end the process ("missing cancel error"), if something still waits for
// it then.
func contextOf(c *fiber.Ctx) (ctx context.Context, end func()) {
	values := map[any]any{}
	c.Context().VisitUserValuesAll(func(key, value any) {
		values[detached(key)] = detached(value)
	})
	user := &userContext{Context: c.UserContext()}
	if user.Done() == c.Context().Done() {
		user.Context = context.WithoutCancel(user.Context) // the user has made it from Fiber's
	}
	if !madeFrom(c, user) {
		return context.WithCancel(inngestkit.WithValues(user.Context, values))
	}
	ctx, cancel := context.WithCancel(inngestkit.WithValues(user, values))
	return ctx, func() {
		cancel()
		user.end()
	}
}

// madeFrom reports whether ctx looks values up in Fiber's context of the request.
func madeFrom(c *fiber.Ctx, ctx context.Context) bool {
	type mark struct{}
	c.Context().SetUserValue(mark{}, true)
	defer c.Context().RemoveUserValue(mark{})
	return ctx.Value(mark{}) != nil
}

// userContext is a context that the user has made from Fiber's. After the call that
// one is another request's, so this has no values any more.
type userContext struct {
	context.Context //nolint:containedctx // this is a context

	mu    sync.RWMutex
	ended bool
}

// Value implements context.Context.
func (c *userContext) Value(key any) any {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.ended {
		return nil
	}
	return c.Context.Value(key)
}

func (c *userContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

// detached is a value of a request that does not change after it.
func detached(value any) any {
	switch v := value.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return bytes.Clone(v)
	default:
		return v
	}
}
