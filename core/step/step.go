// Package step provides the durable steps of a function. A step succeeds once in a run,
// however often the server calls the function: the server memoizes its result, and later
// calls get it instead of running the step.
//
//	Run                    runs your code
//	SendEvent              sends events
//	Sleep, SleepUntil      pause the run
//	WaitForEvent           waits for an event
//	WaitForSignal          waits for a signal to this run
//	Invoke                 runs another function and waits for its output
//	Parallel               runs steps at the same time
//	Map                    runs your code for each element of a slice at the same time
//	Fetch, Infer           have the Inngest server make a request
//
// Each step has an ID, by which the next call finds its result. Inngest counts steps with the
// same ID: the second "poll" becomes "poll:1". If another step has that ID, the run fails.
//
// # Where to call steps
//
// Pass the context of the function, that of the branch of [Parallel], or one derived from
// them. With any other context a step fails the call, because its result would be lost.
//
// Call steps on the goroutine of the function, and not inside the callback of another
// step. To run several at the same time, use [Parallel] or [Map]. On a goroutine that the
// function starts itself, for example with an errgroup, a step does not run: it fails the
// call and returns an error, and [Sleep] ends the goroutine. Steps of the SDK's own package
// end the process there.
//
// When the server has to take over, to wait, to run a step or to memoize a result, the step
// unwinds the function with a panic. Deferred functions run each time. Do not recover that
// panic. Once a step has ended the call, no further step runs, not even in deferred functions.
//
// A step whose context is done ends the call with an error, and the server retries. The
// run does not count as completed.
//
// # Errors
//
// A step without attempts left returns an [Error]. It is the SDK's own type, so go doc does
// not show its fields here:
//
//	Name     string, such as "Step failed"
//	Message  string, its text
//	Data     json.RawMessage, the value that the step returned with the error
//
// Its method Error returns Message. By its method Is, errors.Is(err, step.Error{}) is true for
// each Error. [WaitForEvent] and [WaitForSignal] return [ErrTimeout] when nothing came.
// [InferFormat], a string, is the SDK's own type as well.
//
// # Unit tests
//
// Outside a function, for example in a unit test of a handler, [Run] calls its callback and
// returns what the function would get, [Parallel] and [Map] do the same for their branches,
// and [SendEvent] sends if the context has an app. [Sleep] panics, and all other steps
// return an error.
package step

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/codec"
)

// Error is the final error of a step: one that has no attempts left or must not be retried
// (see [inngestkit.NoRetry]). Find it with [errors.AsType].
type Error = inngestgo.StepError

// ErrTimeout is in the error chain when [WaitForEvent], [WaitForSignal] or [Invoke] has
// waited for the whole [Timeout]. Find it with [errors.Is].
var ErrTimeout = sdkstep.ErrEventNotReceived

// maxPause is how long servers since 1.38 let a run sleep or wait for an event:
// MaxSleepDuration and MaxWaitForEventTimeout in their pkg/consts. They let a run wait
// longer for a signal or a function, but the default there is one year.
const maxPause = 366 * 24 * time.Hour

// abort ends the call with err, which is not retried. Outside a call it returns err.
func abort(c *call.Call, err error) error {
	if c != nil {
		c.Abort(sdkerrors.NoRetryError(err))
	}
	return err
}

// refuse is abort for a mistake found outside a step: on a goroutine that the function has
// started, nothing would recover the panic of abort.
func refuse(ctx context.Context, what string, err error) error {
	if c := call.From(ctx); c != nil {
		return c.Refuse(what, sdkerrors.NoRetryError(err))
	}
	return err
}

// checkTimeout aborts the call if d is out of range for a step that waits for what.
func checkTimeout(c *call.Call, id, what string, d time.Duration) error {
	if d > 0 && d <= maxPause {
		return nil
	}
	return abort(c, fmt.Errorf(
		"step %q waits %s for %s: give step.Timeout more than 0 and at most 366 days", id, d, what))
}

// ask returns the error with which a step outside a function hands its options to a test that
// answers it, nil if the step is the server's.
func ask(ctx context.Context, c *call.Call, options any) error {
	if c != nil {
		return nil
	}
	return call.Asks(ctx, options)
}

// codecOf returns the codec for data in a call, that of encoding/json outside.
func codecOf(c *call.Call) codec.Codec {
	if c == nil {
		return codec.Codec{}
	}
	return c.Codec
}

// checkURL aborts the call if the server could not make a request to target, which it would
// retry. The message leaves out the URL, which may contain a key.
func checkURL(c *call.Call, id, target string) error {
	u, err := url.Parse(target)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return abort(c, fmt.Errorf(
		"step %q: the server cannot make a request to this URL: give an absolute URL with http:// or https://", id))
}
