// Package ctxerr says why a context is done.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Cause is the cause of a done context with ctx.Err() in the chain, so that
// errors.Is finds context.Canceled and context.DeadlineExceeded whatever the
// cause. It is nil if ctx is not done.
func Cause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
