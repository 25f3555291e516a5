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
	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"
)

// Error is the final error of a step, when its retries are spent or it said that
// it must not be retried. Find it with [errors.As].
type Error = inngestgo.StepError

// ErrTimeout is in the chain of what [WaitForEvent], [WaitForSignal] and [Invoke]
// return if what they wait for did not come in time. Find it with [errors.Is].
var ErrTimeout = sdkstep.ErrEventNotReceived
