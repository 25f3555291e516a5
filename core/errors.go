package inngestkit

import (
	"time"

	"github.com/inngest/inngestgo"
)

// NoRetryError marks err as one that no other try would mend: the step, or the
// function, fails at once. It is the SDK's own error; the cause stays in the chain.
func NoRetryError(err error) error { return inngestgo.NoRetryError(err) }

// RetryAtError has the server wait until t before it tries the step or function
// again; the server waits for at least 1 s and at most 24 h. It is the SDK's own
// error; the cause stays in the chain.
func RetryAtError(err error, t time.Time) error { return inngestgo.RetryAtError(err, t) }

// RetryAfterError is [RetryAtError] with a duration from now.
func RetryAfterError(err error, d time.Duration) error { return RetryAtError(err, time.Now().Add(d)) }
