package inngestfiber

import (
	"bytes"
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// contextOf is a context of the request's own, and what ends it with the request. It
// is no child of Fiber's, which ends with the server and not with the request, and
// lets that end the process ("missing cancel error"), if something still waits for
// it then. Of one that the user has made from Fiber's, only the values count, and
// only as long as the call lasts: then it is another request's.
func contextOf(c *fiber.Ctx) (context.Context, func()) {
	values := map[any]any{}
	c.Context().VisitUserValuesAll(func(key, value any) {
		values[detached(key)] = detached(value)
	})
	ctx, end := c.UserContext(), func() {}
	type mark struct{}
	c.Context().SetUserValue(mark{}, true)
	if ctx.Value(mark{}) != nil { // it looks values up in Fiber's
		ctx, end = inngestkit.WithLookup(context.Background(), ctx.Value)
	}
	c.Context().RemoveUserValue(mark{})
	ctx, cancel := context.WithCancel(inngestkit.WithValues(ctx, values))
	return ctx, func() {
		cancel()
		end()
	}
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
