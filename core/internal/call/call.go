// Package call carries what one call by the Inngest server needs on its way from
// the gate through the SDK to the function and its steps.
package call

import (
	"context"
	"crypto/sha1" //nolint:gosec // see ID.Key
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// Call is one call: one HTTP request by which the server starts or continues a run.
type Call struct {
	FunctionID string
	RunID      string
	Attempt    int
	// MaxAttempts is 0 if the server did not say.
	MaxAttempts int

	// Event and Events are the raw JSON of the triggering event and of the batch
	// it came in. The function decodes them; the SDK never sees them, because it
	// would encode and decode them about ten times.
	Event  []byte
	Events []byte
	// Triggers are the events that start the function, nil if it is adopted.
	Triggers *eventpath.Events

	// Caller is the context of the request. It is done when the caller hung up.
	Caller context.Context //nolint:containedctx // a Call lives exactly as long as the request it belongs to
	// Inner is the context that the function got, inside all middleware: what is logged
	// about the call is logged with it. It is Caller until then.
	Inner context.Context //nolint:containedctx // see Caller
	// Request is the request that brought the call. This package only carries it.
	Request any

	Logger *slog.Logger
	// Integers looks for integers that the server would round.
	Integers *datacheck.Checker

	// Step runs the callback of a step, inside the middleware.
	Step StepFunc
	// Restore changes the kept result of a step before the function gets it; nil
	// if no middleware wants to.
	Restore DataFunc
	// Hide takes fields of the middleware's own out of an event that a step has waited
	// for, of which t is the type; nil if there are none.
	Hide func(t reflect.Type, event json.RawMessage) json.RawMessage
	// Invoke changes the data for a function that is invoked; nil if no middleware
	// wants to.
	Invoke DataFunc

	// Invocables says what the function may invoke.
	Invocables interface {
		// Check refuses a function that the app cannot invoke by its value.
		Check(function any) error
	}

	// Function is the core's view of the call, once the function runs.
	Function any
	// Send is the core's middleware around what the function sends, if any.
	Send any

	// SeveralSteps says that a call may run several steps.
	SeveralSteps bool
	// Checkpoints sends their results meanwhile; nil if the SDK does that, or if there
	// is one step at most.
	Checkpoints *Checkpoints
	// PutOff is an error that has to wait until the results before it are sent.
	PutOff *PutOff

	// Replay is how far the function has come through what earlier calls did.
	Replay Replay

	sdk context.Context //nolint:containedctx // see Caller
	// SentOutside says that the function has sent events outside of its steps.
	SentOutside atomic.Bool

	inCallback atomic.Bool
	ran        atomic.Int32 // steps that have run well
	inside     atomic.Int32 // steps that are under way
	unwound    atomic.Bool
	returned   atomic.Bool
	// ended says that the call is over: its context is of no more use.
	ended  atomic.Bool
	output any
	// over says that no further step may run in this call: the one step that it is for
	// has run, or it has to answer first.
	over atomic.Bool
	// function is the branch outside of all parallel steps.
	function branch

	mu       sync.Mutex // guards all below, and branches
	abortErr error
	indexes  map[string]int
	numbered bool // a step has a name like those that are counted: "poll:1"
	entered  int  // steps that the function has come to
	// deepest is the greatest depth at which a branch had a step of a name.
	deepest map[string]int
}

// ID names a step in a run.
type ID struct {
	Name string
	// Kind is what the step does.
	Kind Kind
	// Index is how many steps with the same name came before in the function.
	Index int
}

// Kind is what a step does, by the name of its operation in the protocol.
type Kind string

// The kinds of steps; docs/SDK_SPEC.md, 5.3.
const (
	StepRun        Kind = "StepRun"
	Sleep          Kind = "Sleep"
	WaitForEvent   Kind = "WaitForEvent"
	WaitForSignal  Kind = "WaitForSignal"
	InvokeFunction Kind = "InvokeFunction"
	Gateway        Kind = "Gateway"
	AIGateway      Kind = "AIGateway"
)

// Key is the name of the step in the protocol, and in the kept results.
func (id ID) Key() string {
	sum := sha1.Sum([]byte(id.text())) //nolint:gosec // the protocol's choice; docs/SDK_SPEC.md, 5.1.2
	return hex.EncodeToString(sum[:])
}

// PutOff is an error that was put off, of a step or, if Step is nil, of the function.
type PutOff struct {
	Step *ID
	Err  error
	// Data is what the step has returned besides the error.
	Data json.RawMessage
}

// MayHold reports whether steps have run before in this call, so that an error has to
// be put off: the SDK would answer with it and drop their results.
func (c *Call) MayHold() bool { return c.SeveralSteps && !c.Replay.targeted && c.ran.Load() > 0 }

// Unsent reports whether results of steps may still have to be sent.
func (c *Call) Unsent() bool {
	if c.Checkpoints != nil {
		return c.Checkpoints.Unsent()
	}
	return c.MayHold()
}

// StepFunc runs callback as the step id.
type StepFunc func(ctx context.Context, id ID, callback func(context.Context) (any, error)) StepEnd

// StepEnd is what a step has come to in the middleware.
type StepEnd struct {
	Output any
	Err    error
	// Inner is the context that the callback got.
	Inner context.Context //nolint:containedctx // it lives as long as the step
	// Tell tells the middleware which error the step ends with.
	Tell func(err error)
}

// DataFunc returns what becomes of data of the step id.
type DataFunc func(ctx context.Context, id ID, data json.RawMessage) (json.RawMessage, error)

type contextKey struct{}

// NewContext returns a context that carries c.
func NewContext(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the call that ctx belongs to, nil outside a function.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(contextKey{}).(*Call)
	return c
}

// Begin prepares the context for the function: it keeps the values the SDK put
// there and ends with the caller, so that work nobody waits for any more stops.
// The SDK itself must not see the caller's end, because it would then report the
// run as completed.
func (c *Call) Begin(sdk context.Context) (context.Context, context.CancelFunc) {
	c.sdk = sdk
	ctx, cancel := context.WithCancelCause(sdk)
	stop := context.AfterFunc(c.Caller, func() {
		defer func() {
			if recover() != nil {
				cancel(nil) // the caller's context is of a type that cannot tell
			}
		}()
		cancel(context.Cause(c.Caller))
	})
	end := func() {
		c.ended.Store(true)
		stop()
		cancel(nil)
	}
	deadline, ok := c.Caller.Deadline()
	if !ok {
		return ctx, end
	}
	ctx, release := context.WithDeadline(ctx, deadline)
	return ctx, func() {
		release()
		end()
	}
}

// InStep reports whether the callback of a step runs, to which ctx belongs.
func (c *Call) InStep(ctx context.Context) bool {
	return sdkstep.IsWithinStep(ctx) || c.inCallback.Load()
}

// Abort ends the call with err: it unwinds to the function's wrapper, which
// answers with err whatever the user's code does on the way.
func (c *Call) Abort(err error) {
	c.record(err)
	panic(yield)
}

// Aborted is the error the call was aborted with, nil if it was not.
func (c *Call) Aborted() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.abortErr
}

// Yielded reports whether a step has handed control back to the server. What the
// function returns after that does not count.
func (c *Call) Yielded() bool {
	return c.unwound.Load() || c.over.Load() || (c.sdk != nil && c.sdk.Err() != nil)
}

// Unasked is how many kept results the function has left aside on its way to a step that is
// new. It is 0 if the call is for one step alone, or was to end early: then the function
// has not come by all of its steps.
func (c *Call) Unasked() int {
	if c.Replay.targeted || c.over.Load() || c.Aborted() != nil {
		return 0
	}
	return c.Replay.unasked()
}

// SetUnwound notes that a step has unwound the function: also one of the SDK's own,
// which does so without a word to the server if its context is done.
func (c *Call) SetUnwound() { c.unwound.Store(true) }

// SetReturned notes that the function ended by itself, and with what.
func (c *Call) SetReturned(output any) {
	c.output = output
	c.returned.Store(true)
}

// Output is what the function has returned.
func (c *Call) Output() any { return c.output }

// Returned reports whether the function ended by itself. Only then may an answer
// without steps count as the end of the run.
func (c *Call) Returned() bool { return c.returned.Load() }

// record has the call answer with err when the function has ended.
func (c *Call) record(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abortErr == nil {
		c.abortErr = err
	}
}

// next names the next step that is called name, as the SDK counts them.
func (c *Call) next(b *branch, name string) (ID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.checkOrder(b, name); err != nil {
		return ID{}, err
	}
	if err := c.checkNumber(name); err != nil {
		return ID{}, err
	}
	id := ID{Name: name, Index: c.indexes[name]}
	if err := c.checkKey(id); err != nil {
		return ID{}, err
	}
	b.depth++
	if c.indexes == nil {
		c.indexes = map[string]int{}
	}
	c.indexes[name]++
	return id, nil
}

// maxNewSteps is how many steps an answer can hand over to the server before it
// fails the run (HandleGeneratorResponse in its pkg/execution/executor):
// DefaultMaxStepLimit in its pkg/consts.
const maxNewSteps = 1000

// checkNumber counts a step, and refuses one that the server could not take besides
// the others of the call: parallel steps are handed over together.
func (c *Call) checkNumber(name string) error {
	c.entered++
	if c.entered <= maxNewSteps || c.Replay.targeted || c.entered-int(c.ran.Load())-c.Replay.outSoFar() <= maxNewSteps {
		return nil
	}
	return sdkerrors.NoRetryError(fmt.Errorf(
		"step %q is one too many: the function has more than %d steps run at the same time, and a run has no more in all; "+
			"give some to runs of their own, with step.Invoke or events", name, maxNewSteps))
}

// enter names a step of the branch b, or refuses it if it cannot work: the SDK would
// report a step with a done context as a completed run, and does not notice a step
// within a step.
func (c *Call) enter(ctx context.Context, b *branch, name string) ID {
	if c.ended.Load() {
		panic(&misplaced{sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was given the context of a call that has ended: call steps before the function returns, on its own "+
				"goroutine and with its ctx; step.Parallel runs several at the same time", name))})
	}
	if c.Aborted() != nil || (c.sdk != nil && c.sdk.Err() != nil) || c.hasLeft(b) || c.over.Load() {
		// The call, or the branch, is over, and this is a deferred function, one that
		// went on after a recover, or another branch. What it does would be lost, or too
		// early; and an error here would lose what has run.
		panic(yield)
	}
	if sdkstep.IsWithinStep(ctx) || (c.inCallback.Load() && canUnwind()) {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q was called inside the callback of another step: call it in the function itself", name)))
	}
	if ctx.Err() != nil && canUnwind() {
		c.Abort(fmt.Errorf("step %q was not started, its context is done: %w", name, ctxerr.Cause(ctx)))
	}
	if ctx.Err() != nil || c.inCallback.Load() {
		panic(yield) // which becomes an error, as nothing can unwind
	}
	if name == "" {
		c.Abort(errNoID)
	}
	id, err := c.next(b, name)
	if err != nil {
		c.Abort(err)
	}
	return id
}
