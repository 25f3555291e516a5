// Package call follows one call by the Inngest server from the SDK to the function and
// its steps.
//
// A call runs on top of the SDK's own steps. This package adds what those lack: guards
// against steps in the wrong place, results checked before they are memoized, middleware
// around steps, and checkpoints. See [Call] for the states of a call and [Run] for those of
// a step.
package call

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// A Call is one request by which the server starts or continues a run. Its exported fields
// are set before the SDK runs the function, and read after that, except Inner.
//
// The states of a call, in the order in which it can pass through them:
//
//	running ───► yielding ───► over
//	   │             │           │
//	   └─────────────┴───────────┴───► returned
//
//	running    the function runs; see Replay for whether it replays earlier calls
//	yielding   a step has handed over to the server. What the function returns does not
//	           count. Parallel branches that have not reached their step go on.
//	over       no further step may run: the step that the call is for has run, or results
//	           or an error must reach the server first
//	returned   the function returned by itself, or the call was aborted with an error
//
// A call may skip states: it goes from running to over when the one step that it is for has
// run. A call that ends as yielding or over is followed by another call. Abort ends the call
// as returned, with an error. A call that the SDK ends in the state running was interrupted.
type Call struct {
	Identity

	// Hooks are what the core does around steps.
	Hooks Hooks
	// Events are the events that start the function, nil for an adopted function.
	Events *eventpath.Events

	// Caller is the context of the request. It is done when the caller hangs up.
	Caller context.Context //nolint:containedctx // a Call lives exactly as long as the request it belongs to
	// Inner is the context that the function got, inside all middleware. Log lines about the
	// call use it. It is Caller until then.
	Inner context.Context //nolint:containedctx // see Caller

	Logger *slog.Logger
	// Codec encodes and decodes the data.
	Codec codec.Codec
	// Checker looks for integers that the server would round.
	Checker *datacheck.Checker

	// SeveralSteps reports whether the call may run several steps.
	SeveralSteps bool
	// Checkpoints sends the results of steps during the call. It is nil if the SDK sends them,
	// or if the call runs one step at most.
	Checkpoints *Checkpoints

	// Replay is how much of what earlier calls did the function has passed.
	Replay Replay
	// SDKReplays is set if the SDK hands out the memoized results: it got the whole envelope.
	SDKReplays bool

	// test are the hooks of the test that the call belongs to.
	test     *testhooks.Hooks
	sdk      context.Context //nolint:containedctx // see Caller
	progress progress
	steps    stepCounts
	// function is the branch outside all parallel steps.
	function branch

	mu       sync.Mutex // guards all below, and all branches
	abortErr error
	names    names
	manager  *manager          // nil before Begin, and for an adopted function if the SDK is of an unknown version
	standsIn []json.RawMessage // the results that have a stand-in
}

// Identity names a call.
type Identity struct {
	FunctionID string
	RunID      string
	// Attempt is the zero-based number of the attempt.
	Attempt int
	// MaxAttempts is 0 if the server did not send it.
	MaxAttempts int
}

// LastAttempt reports whether the server does not retry after this attempt.
func (i Identity) LastAttempt() bool { return i.MaxAttempts > 0 && i.Attempt+1 >= i.MaxAttempts }

// Hooks are what the core does around the steps of a call.
type Hooks interface {
	// RunStep runs the callback of the step id inside the middleware. It panics with Yield
	// if the middleware or the callback was unwound by another step.
	RunStep(ctx context.Context, id ID, callback Callback) StepEnd
	// RestoreResult returns what the middleware makes of the memoized result of the step id.
	RestoreResult(ctx context.Context, id ID, data json.RawMessage) (json.RawMessage, error)
	// InvokeData returns what the middleware makes of the data for a function that the step
	// id invokes.
	InvokeData(ctx context.Context, id ID, data json.RawMessage) (json.RawMessage, error)
	// HideFields removes the middleware's own fields from an event that a step has waited
	// for. The function gets the event as type t.
	HideFields(t reflect.Type, event json.RawMessage) json.RawMessage
	// CheckInvocable returns an error if the app cannot invoke function, a value given to
	// step.Invoke.
	CheckInvocable(function any) error
}

// Callback is the code of a step.
type Callback func(ctx context.Context) (any, error)

// StepEnd is how the callback of a step ended inside the middleware.
type StepEnd struct {
	Output any
	Err    error
	// Inner is the context that the callback got.
	Inner context.Context //nolint:containedctx // it lives as long as the step
	// Report passes the final error of the step to the middleware, nil if it has succeeded.
	Report func(err error)
}

// TestHooks returns the hooks of the test that the call belongs to, from Begin on.
func (c *Call) TestHooks() *testhooks.Hooks { return c.test }

// Begin returns the context for the function. It keeps the values that the SDK added and
// is done when the caller hangs up, so the function can stop early. The SDK itself must not
// see that: it would report the run as completed. An error means that the SDK is of an unknown
// version.
func (c *Call) Begin(sdk context.Context) (context.Context, context.CancelFunc, error) {
	c.sdk, c.test = sdk, testhooks.From(sdk)
	if err := c.findManager(sdk); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(&functionContext{sdk, c, c.manager.hiddenKey()})
	stop := context.AfterFunc(c.Caller, func() {
		defer func() {
			if recover() != nil {
				cancel(nil) // the context is of a type whose methods panic
			}
		}()
		cancel(context.Cause(c.Caller))
	})
	end := func() {
		c.progress.released.Store(true)
		stop()
		cancel(nil)
	}
	deadline, ok := c.Caller.Deadline()
	if !ok {
		return ctx, end, nil
	}
	ctx, release := context.WithDeadline(ctx, deadline)
	return ctx, func() {
		release()
		end()
	}, nil
}
