package inngestkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Waiting between the tries of a request to the server.
const (
	firstWait = 100 * time.Millisecond
	maxWait   = 5 * time.Second
	// maxTime is how long a request is tried, Retry-After included: a server that
	// asks for more gets no further try.
	maxTime = 30 * time.Second
)

// outgoing is a request to the server.
type outgoing struct {
	method string
	// url may hold the event key and is not shown.
	url  string
	body []byte
	// header sets what the request carries besides the headers of every request.
	header func(h http.Header)
	// limit bounds what is read of the answer, in bytes.
	limit int64
}

// outcome is what came of a request.
type outcome struct {
	// status, body and retryAfter are those of the last answer; status is 0 if
	// the last try had none.
	status     int
	body       []byte
	retryAfter time.Duration
	// err says why there is no answer, or none that counts: the network, the end
	// of the context, an answer that is too large.
	err error
	// lost says that a try, this one or one before, may have done its work though
	// its answer does not say so.
	lost bool
	// panicked says that the client has panicked. It would do so again.
	panicked bool
}

// ok reports whether the server did what it was asked for.
func (o outcome) ok() bool {
	return o.err == nil && o.status >= http.StatusOK && o.status < http.StatusMultipleChoices
}

// unauthorized reports whether another key might help.
func (o outcome) unauthorized() bool {
	return o.status == http.StatusUnauthorized || o.status == http.StatusForbidden
}

// again reports whether the same request may have more success later.
func (o outcome) again() bool {
	return !o.panicked && (o.status == 0 || o.status == http.StatusTooManyRequests || o.status >= http.StatusInternalServerError)
}

// persist calls try until its outcome is final, ctx is done, maxTime is over or
// it was called maxTries times; 0 is any number of times.
func persist(ctx context.Context, maxTries uint, try func() outcome) outcome {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = firstWait, maxWait
	var last outcome
	lost := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		now := try()
		lost = lost || now.lost
		if ctx.Err() == nil || now.status != 0 {
			last = now // else what the server said before says more
		}
		switch {
		case !now.again():
			return struct{}{}, nil
		case ctx.Err() != nil:
			return struct{}{}, backoff.Permanent(ctx.Err())
		case now.retryAfter > 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: now.retryAfter}
		default:
			return struct{}{}, errTryAgain
		}
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(maxTime), backoff.WithMaxTries(maxTries))
	if err != nil && ctx.Err() != nil {
		last.err = endedAfter(ctxerr.Cause(ctx), last.err)
	}
	last.lost = lost
	return last
}

// endedAfter is the end of a context, with what went wrong before it: that is what to
// look for.
func endedAfter(end, before error) error {
	if before == nil || errors.Is(before, end) {
		return end
	}
	return fmt.Errorf("%w, after %w", end, before)
}

var (
	errTryAgain = errors.New("the server did not take the request")
	errNoAnswer = fmt.Errorf("no answer within %s", httpTimeout)
)

// try makes a request once.
func (c Config) try(ctx context.Context, o outgoing) outcome {
	if ctx.Err() != nil {
		return outcome{err: ctxerr.Cause(ctx)}
	}
	limited, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, o.method, o.url, bytes.NewReader(o.body))
	if err != nil {
		return outcome{err: withoutURL(err)}
	}
	c.setHeaders(req, "")
	o.header(req.Header)
	result, err := o.exchange(c.HTTPClient, req)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = errNoAnswer // not the context's error, which is not the caller's
	}
	if err != nil {
		_, panicked := errors.AsType[*clientPanicError](err)
		return outcome{err: withoutURL(err), lost: !neverSent(err), panicked: panicked}
	}
	return result
}

// exchange sends the request and reads the answer.
func (o outgoing) exchange(client *http.Client, req *http.Request) (outcome, error) {
	resp, err := client.Do(req) //nolint:gosec // G704: the URL is configured, but for a run ID that has been checked
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if redirected := redirectedAs(resp, req.Method); redirected != nil {
		return outcome{status: redirected.status, err: redirected}, nil
	}
	result := outcome{
		status:     resp.StatusCode,
		retryAfter: retryAfter(resp.Header),
		lost:       resp.StatusCode >= http.StatusInternalServerError,
	}
	tooLarge := resp.ContentLength > o.limit
	if !tooLarge || !result.ok() {
		result.body, err = io.ReadAll(io.LimitReader(resp.Body, o.limit+1))
		if err != nil {
			return outcome{}, fmt.Errorf("reading the answer: %w", err)
		}
		tooLarge = int64(len(result.body)) > o.limit
		result.body = result.body[:min(int64(len(result.body)), o.limit)]
	}
	if tooLarge && result.ok() { // the beginning of an error page is enough
		result.err, result.lost = fmt.Errorf("the answer has more than %d bytes", o.limit), true
	}
	return result, nil
}

// neverSent reports whether a request failed before any of it went out.
func neverSent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// maxRetryAfter bounds what a Retry-After header can ask for, so that it fits
// into a [time.Duration]. It is far above maxTime.
const maxRetryAfter = 365 * 24 * time.Hour

// retryAfter reads a Retry-After header in seconds or as a date; 0 if there is
// none.
func retryAfter(h http.Header) time.Duration {
	value := h.Get(headerRetryAfter)
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	return 0
}

// withoutURL drops the URL from an error of net/http, since it may end with the
// event key.
func withoutURL(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		return urlErr.Err
	}
	return err
}
