package inngestkit

import (
	"errors"
	"reflect"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
)

// ErrShutdown is in the chain of the errors of [App.Start], [App.Sync], [App.Connect],
// [App.CheckEndpoint] and [App.Go] after [App.Shutdown] has begun.
var ErrShutdown = errors.New("the app is shut down")

// NoRetry wraps err so that Inngest does not retry: the step, or the function, fails at
// once. It returns nil if err is nil.
//
// The result has err and the SDK's own error in its chain.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return inngestgo.NoRetryError(err)
}

// RetryAt wraps err so that Inngest retries the step or function at t, if attempts
// remain. The server waits for at least 1 s and at most 24 h. RetryAt returns nil if err
// is nil.
//
// The result has err and the SDK's own error in its chain.
func RetryAt(err error, t time.Time) error {
	if err == nil {
		return nil
	}
	return inngestgo.RetryAtError(err, t)
}

// RetryAfter is [RetryAt] with a duration from now.
func RetryAfter(err error, d time.Duration) error { return RetryAt(err, time.Now().Add(d)) }

// IsNoRetry reports whether err says that Inngest must not retry: whether its chain has
// an error from [NoRetry].
func IsNoRetry(err error) bool { return sdkerrors.IsNoRetryError(err) }

// RetryTime returns the time at which Inngest is to retry, from the first error of
// [RetryAt] or [RetryAfter] in the chain of err; ok is false if it has none.
func RetryTime(err error) (t time.Time, ok bool) {
	if at := sdkerrors.GetRetryAtTime(err); at != nil {
		return *at, true
	}
	return time.Time{}, false
}

// UnwrapRetry returns the error that [NoRetry], [RetryAt] or [RetryAfter] has wrapped,
// and any other error unchanged.
func UnwrapRetry(err error) error {
	for isRetryWrapper(err) {
		err = errors.Unwrap(err)
	}
	return err
}

// DataError is an error whose message may contain data of events or steps, such as a
// value that does not fit its Go type. Telemetry records WithoutData instead of Error.
// Errors of this package implement it, and those of an app may.
type DataError interface {
	error
	// WithoutData returns the message without the data.
	WithoutData() string
}

var (
	noRetryType = reflect.TypeOf(inngestgo.NoRetryError(nil))
	retryAtType = reflect.TypeOf(inngestgo.RetryAtError(nil, time.Time{}))
)

// isRetryWrapper reports whether err itself, not one in its chain, only says whether and
// when to retry.
func isRetryWrapper(err error) bool {
	t := reflect.TypeOf(err)
	return t == noRetryType || t == retryAtType
}

// orNil returns err as a function or a step has returned it, or nil if it is one of the
// SDK's own wrappers around nil, whose Error method panics.
func orNil(err error) error {
	if UnwrapRetry(err) == nil {
		return nil
	}
	return err
}
