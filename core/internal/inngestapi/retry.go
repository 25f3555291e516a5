package inngestapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

const (
	// maxAttempts bounds the attempts at a request to the API. The server waits for some
	// of these requests, and calls the app again if they fail.
	maxAttempts = 4
	// firstWait and maxWait bound the wait between two attempts.
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	// maxTime bounds all attempts together, including Retry-After: a server that requests
	// a longer wait gets no further attempt.
	maxTime = 30 * time.Second
)

var errRetry = errors.New("the server did not accept the request")

// again reports whether the same request may succeed later.
func (r response) again() bool {
	return !r.panicked && (r.status == 0 || r.status == http.StatusTooManyRequests || r.status >= http.StatusInternalServerError)
}

// doWithRetry calls attempt until its response is final, ctx is done, maxTime has passed or
// the attempts are used up; with maxAttempts 0 their number is not limited.
func doWithRetry(ctx context.Context, maxAttempts uint, attempt func() response) response {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = firstWait, maxWait
	var last response
	uncertain := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		now := attempt()
		uncertain = uncertain || now.uncertain
		if ctx.Err() == nil || now.status != 0 || last.status == 0 && last.err == nil {
			last = now // otherwise the previous response says more
		}
		switch {
		case !now.again():
			return struct{}{}, nil
		case ctx.Err() != nil:
			return struct{}{}, backoff.Permanent(ctx.Err())
		case now.retryAfter > 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: now.retryAfter}
		default:
			return struct{}{}, errRetry
		}
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(maxTime), backoff.WithMaxTries(maxAttempts))
	if err != nil && ctx.Err() != nil {
		last.err = endedAfter(ctx, last.err)
	}
	last.uncertain = uncertain
	return last
}

// endedAfter adds to the end of a context the error before it, which is the one to look
// into.
func endedAfter(ctx context.Context, before error) error {
	if during, ok := errors.AsType[*endedError](before); ok && errors.Is(during, ctx.Err()) {
		return before
	}
	end := ctxerr.Cause(ctx)
	if before == nil || errors.Is(before, end) {
		return end
	}
	return fmt.Errorf("%w, after %w", end, before)
}
