package inngestkit

import (
	"errors"
	"reflect"
	"time"

	"github.com/inngest/inngestgo"
)

// NoRetry wraps err so that Inngest does not retry: the step, or the function,
// fails at once. It is the SDK's own error, with err in its chain; nil if err is nil,
// which the SDK's is not.
func NoRetry(err error) error {
	if err == nil {
		return nil
	}
	return inngestgo.NoRetryError(err)
}

// RetryAt wraps err so that Inngest waits until t before it tries the step or
// function again; the server waits for at least 1 s and at most 24 h. It is the SDK's
// own error, with err in its chain; nil if err is nil, which the SDK's is not.
func RetryAt(err error, t time.Time) error {
	if err == nil {
		return nil
	}
	return inngestgo.RetryAtError(err, t)
}

// RetryAfter is [RetryAt] with a duration from now.
func RetryAfter(err error, d time.Duration) error { return RetryAt(err, time.Now().Add(d)) }

var (
	noRetryType = reflect.TypeOf(inngestgo.NoRetryError(nil))
	retryAtType = reflect.TypeOf(inngestgo.RetryAtError(nil, time.Time{}))
)

// orNil is err as a function or a step has returned it, nil if it is one of the SDK's
// own wrappers around nil, whose Error method panics.
func orNil(err error) error {
	if err == nil {
		return nil
	}
	if t := reflect.TypeOf(err); t != noRetryType && t != retryAtType {
		return err
	}
	if orNil(errors.Unwrap(err)) == nil {
		return nil
	}
	return err
}
