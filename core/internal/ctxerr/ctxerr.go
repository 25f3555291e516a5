// Package ctxerr explains why a context is done.
package ctxerr

import (
	"context"
	"errors"
	"fmt"
)

// Explain adds the cause of a done context, such as the timeout of a platform, to an error
// that says only that a context is done. It returns other errors unchanged, also if a
// method of the error or the context panics.
func Explain(err error, ctx context.Context) (explained error) {
	if err == nil || ctx.Err() == nil {
		return err
	}
	defer func() {
		if recover() != nil {
			explained = err
		}
	}()
	isDone := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if cause := context.Cause(ctx); isDone && !errors.Is(err, cause) && !errors.Is(ctx.Err(), cause) {
		return fmt.Errorf("%w: %w", err, cause)
	}
	return err
}

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
