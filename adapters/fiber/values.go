package inngestfiber

import (
	"context"

	"github.com/gofiber/fiber/v2"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// mark is a key that only [contextOf] knows.
type mark struct{}

// contextOf is a context of the request's own, and what ends it with the request.
//
// It is no child of Fiber's. That one ends with the server and not with the request;
// and if anything still waits for it then, the process may end with "missing cancel
// error". Of a context that the user has made from Fiber's, only the values count,
// and only as long as the call lasts: then they are another request's.
func contextOf(c *fiber.Ctx) (context.Context, func()) {
	ctx, end := c.UserContext(), func() {}
	c.Context().SetUserValue(mark{}, true)
	if looksUpInFibers(ctx) {
		ctx, end = inngestkit.WithLookup(context.Background(), ctx.Value)
	}
	c.Context().RemoveUserValue(mark{})
	ctx, cancel := context.WithCancel(inngestkit.WithCopies(ctx, c.Context().VisitUserValuesAll))
	return ctx, func() {
		cancel()
		end()
	}
}

// looksUpInFibers reports whether ctx looks values up in Fiber's context. One that
// panics is treated as if it did: nothing here recovers, and WithLookup does.
func looksUpInFibers(ctx context.Context) (looks bool) {
	defer func() {
		if recover() != nil {
			looks = true
		}
	}()
	return ctx.Value(mark{}) != nil
}
