// Package step has the durable steps that functions are made of. Each step runs
// once in a run, however often the function is called: its result is kept by the
// Inngest server and handed out again on the next call.
//
//	Run                    your code
//	SendEvent              events
//	Sleep, SleepUntil      time
//	WaitForEvent           an event that another part of the system sends
//	WaitForSignal          a signal that is for this run alone
//	Invoke                 another function
//	Parallel               several of these at the same time
//	Map                    your code, at the same time for each element of a slice
//	Fetch, Infer           requests that the Inngest server makes
//
// Each step has an ID, by which its result is found on the next call. Steps with the
// same ID are told apart by counting: the second one with the ID "poll" is known to
// Inngest as "poll:1". So an ID of that form fails the run if that step exists, too.
//
// Steps take the context of the function, or of the branch of Parallel, or one derived
// from it. With any other context a step fails the call: its result would not be kept.
//
// Outside of a function, in a unit test of a handler, Run calls its callback, and returns
// what the function would get; Parallel calls its branches; SendEvent sends if the context
// has an app; Sleep panics;
// the others return an error.
//
// Steps leave the function by unwinding it when the server has to take over (to
// wait, to run the step, or to keep its result). Deferred functions run each time;
// recover in a function must not be used to hide that.
//
// Call steps on the goroutine of the function, and not inside the callback of another
// step. Parallel is for several at the same time: nothing can unwind a goroutine that
// the function starts itself, with an errgroup for example. There, a step fails the
// call before it runs, and returns an error; Sleep ends the goroutine. What does not
// come from this package, such as steps of the SDK's own, ends the process there.
//
// After that, and after a step that ended the call with an error, no further step
// runs, in deferred functions neither.
//
// A step whose context is done ends the call with an error, and the server tries
// again; the run is never taken for completed.
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
)

// Error is the final error of a step, when its retries are spent or it said that
// it must not be retried. Find it with [errors.As].
type Error = inngestgo.StepError

// ErrTimeout is in the chain of what [WaitForEvent], [WaitForSignal] and [Invoke]
// return if what they wait for did not come in time. Find it with [errors.Is].
var ErrTimeout = sdkstep.ErrEventNotReceived

// maxPause is the longest that servers from 1.38 on let a run sleep or wait for an
// event: MaxSleepDuration and MaxWaitForEventTimeout of their pkg/consts. They let it
// wait longer for a signal or a function, but a year is the default there.
const maxPause = 366 * 24 * time.Hour

// abort ends the call with err, for good. Outside of a call it returns err.
func abort(c *call.Call, err error) error {
	if c != nil {
		c.Abort(sdkerrors.NoRetryError(err))
	}
	return err
}

// refuse is abort for what is found outside of a step: on a goroutine that the function
// has started, nothing would recover the panic of abort.
func refuse(ctx context.Context, what string, err error) error {
	if c := call.From(ctx); c != nil {
		return c.Refuse(what, sdkerrors.NoRetryError(err))
	}
	return err
}

// checkTimeout aborts if a step cannot wait for as long as it wants to.
func checkTimeout(c *call.Call, id, what string, d time.Duration) error {
	if d > 0 && d <= maxPause {
		return nil
	}
	return abort(c, fmt.Errorf(
		"step %q waits %s for %s: give step.Timeout more than 0 and at most 366 days", id, d, what))
}

// checkURL aborts if the server could not make a request to target, which it would
// try again and again. The message does not have the URL: there may be a key in it.
func checkURL(c *call.Call, id, target string) error {
	u, err := url.Parse(target)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return abort(c, fmt.Errorf("step %q: the URL is not one the server can ask: give a full one, with http:// or https://", id))
}
