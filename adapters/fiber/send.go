package inngestfiber

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"github.com/inngestkit/inngestkit/adapters/internal/onfasthttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
)

// From returns the app of a request, or nil if the request has not passed [Middleware].
func From(c *fiber.Ctx) *inngestkit.App { return inngestkit.FromContext(requestContext(c)) }

// Send sends events with the app and the context of a request; see
// [inngestkit.App.Send]. An error is an [*Error].
func Send(c *fiber.Ctx, events ...inngestkit.AnyEvent) ([]string, error) {
	ctx, end := requestContext(c), func() {}
	if c != nil {
		ctx, end = onfasthttp.Lend(ctx, c.Context())
	}
	defer end()
	ids, err := inngestkit.Send(ctx, events...)
	if err != nil {
		return ids, &Error{Status: inngestkit.SendStatus(err), Err: err}
	}
	return ids, nil
}

// requestContext returns the context of a request, or nil if c is nil.
func requestContext(c *fiber.Ctx) context.Context {
	if c == nil {
		return nil
	}
	return c.UserContext()
}

// Error is the error of [Send]. It wraps a [*fiber.Error] and the app's error.
//
// Its text is only the text of the status, because Fiber's default ErrorHandler shows
// the text of every error to clients. Log Err to see the cause.
type Error struct {
	// Status is the HTTP status for the client; see [inngestkit.SendStatus].
	Status int
	// Err is the app's error.
	Err error
}

// Error implements error.
func (e *Error) Error() string { return fiber.NewError(e.Status).Message }

// Unwrap returns a [*fiber.Error] with the status, and Err.
func (e *Error) Unwrap() []error { return []error{fiber.NewError(e.Status), e.Err} }
