// Package ctxerr explains why a context is done.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Cause returns the cause of a done context, with ctx.Err() in its chain: errors.Is
// finds context.Canceled or context.DeadlineExceeded whatever the cause is. It returns
// nil if ctx is not done.
func Cause(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
