package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Middleware wraps what functions do. Every field may be nil.
//
// Middleware is installed for all functions of an app ([App.Use]), for a group, or for one
// function ([Use]). Around a call it runs in that order, and within each in the order given:
// the app's first is the outermost. Handlers are wrapped at registration, and again when the
// app gets more middleware, so they should not keep state. The handler that wrapping returns
// runs on each call.
type Middleware struct {
	// Function wraps each call of a function. A run is several calls: all but the
	// last end with [ErrYielded]. (With flow.Checkpoint a call may reach the end of the
	// function and be repeated, because the server has not taken its results.)
	Function func(next FunctionHandler) FunctionHandler
	// Step wraps each step whose callback runs (step.Run and step.SendEvent). Memoized
	// steps bypass it, so it sees each step once, or once per attempt.
	Step func(next StepHandler) StepHandler
	// Restore changes the memoized result of a step, of any kind but Sleep, each time before
	// the function gets it. It undoes what Step, or the Function of an invoked function, did
	// to the output, for example to decrypt it. That includes a value that a failed step
	// returned with its error, unless it is the zero value.
	Restore func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Invoke changes the data, a JSON object, that step.Invoke passes to the other function,
	// when the step is new. The other function's middleware finds it in its event.
	Invoke func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Send wraps each [App.Send] and step.SendEvent. The app's middleware also wraps those
	// outside functions.
	Send func(next SendHandler) SendHandler
	// EventField names a field, a JSON object, that Send and Invoke add to the data of events
	// for this middleware. Middleware gets it. Functions, and steps that wait for an event, do
	// not get it if the type of their data accepts fields that it does not name, as maps do.
	EventField string
}

// A FunctionHandler runs a function and returns its output or its error. Middleware may
// change the output to anything that encoding/json can encode. It calls next once.
type FunctionHandler func(ctx context.Context, call *FunctionCall) (any, error)

// A StepHandler runs the callback of a step and returns its output or its error.
type StepHandler func(ctx context.Context, step *StepCall) (any, error)

// A SendHandler sends events and returns their IDs.
type SendHandler func(ctx context.Context, events []RawEvent) ([]string, error)

// ErrYielded is the error that next returns to the middleware around a function that has not
// ended: a step has handed over to the server, which calls the function again. It does not
// mean a failure. Whatever the middleware returns then, the response to the server stays the
// same.
var ErrYielded = errors.New("the function yielded to the server; it is called again")

// A StepCall is a step whose callback runs, or whose memoized result the function gets.
type StepCall struct {
	// ID is the step's ID in the function.
	ID string
	// Kind is what the step does, by the name of its operation at Inngest: StepRun
	// (also for step.SendEvent), Sleep, WaitForEvent, WaitForSignal, InvokeFunction,
	// Gateway (step.Fetch) or AIGateway (step.Infer). Only a StepRun has a callback;
	// Restore sees all but Sleep.
	Kind string
	// Index is how many steps with the same ID come before this one in the function.
	Index int
	// Function is the call of the function that the step belongs to.
	Function *FunctionCall

	callback func(ctx context.Context) (any, error)
	yielded  bool
	inner    context.Context //nolint:containedctx // see call.StepEnd
	onEnd    []func(outcome Outcome, err error)
}

// Use adds middleware to a function, or to the functions of a [Group].
func Use(middleware ...Middleware) Option {
	return optionFunc(func(o *functionOptions) { o.middleware = append(o.middleware, middleware...) })
}

// Use adds middleware to all functions of the app, including those registered before, and
// around events sent with it. Calls that are running are not affected.
func (a *App) Use(middleware ...Middleware) {
	a.registering.Lock()
	defer a.registering.Unlock()
	all, functions := slices.Concat(a.middleware, middleware), a.registry.Load().order
	// If middleware panics while it wraps a handler, everything stays as it was.
	own, chains := newChain(a, all), make([]*chain, len(functions))
	for i, f := range functions {
		chains[i] = newChain(a, f.inside(all))
	}
	a.middleware = all
	a.chain.Store(own)
	for i, f := range functions {
		f.chain.Store(chains[i])
	}
}

// A dataHook changes data of a step.
type dataHook = func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)

// A chain is the middleware of a function, or of an app, around the handlers.
type chain struct {
	function FunctionHandler
	step     StepHandler
	restore  []dataHook
	invoke   []dataHook
	send     SendHandler // nil without middleware around it
	hidden   eventFields
}

// newChain wraps the handlers, from the last middleware to the first.
func newChain(a *App, middleware []Middleware) *chain {
	c := &chain{function: guardFunction(handleFunction), step: guardStep(handleStep)}
	for _, m := range middleware {
		if m.EventField != "" {
			c.hidden = append(c.hidden, m.EventField)
		}
		if m.Restore != nil {
			c.restore = append(c.restore, m.Restore)
		}
		if m.Invoke != nil {
			c.invoke = append(c.invoke, m.Invoke)
		}
	}
	for _, m := range slices.Backward(middleware) {
		if m.Function != nil {
			c.function = guardFunction(m.Function(c.function))
		}
		if m.Step != nil {
			c.step = guardStep(m.Step(c.step))
		}
		if m.Send != nil {
			if c.send == nil {
				c.send = a.sendRaw
			}
			c.send = m.Send(c.send)
		}
	}
	return c
}

func handleFunction(ctx context.Context, c *FunctionCall) (any, error) {
	if c.started || !c.owns(ctx) {
		return nil, NoRetry(fmt.Errorf("the middleware of function %q has called next twice, "+
			"or with a context that is not derived from its own", c.FunctionID))
	}
	c.started = true
	c.call.Inner = ctx //nolint:fatcontext // once in a call
	defer c.call.CheckStepsEnded()
	output, err := c.handler(ctx, c)
	err = orNil(err)
	if gone := c.call.Caller.Err(); err == nil && gone != nil && !c.call.Yielded() {
		// Perhaps nobody is left to take the result.
		err = fmt.Errorf("%w: %w", errHungUp, ctxerr.Cause(c.call.Caller))
	}
	if !c.call.Yielded() {
		c.call.Replay.BeginFresh() // the end is new, whatever results are unclaimed
	}
	return output, err
}

func handleStep(ctx context.Context, step *StepCall) (any, error) {
	if !step.Function.owns(ctx) {
		return nil, NoRetry(fmt.Errorf(
			"the middleware of step %q has called next with a context that is not derived from its own", step.ID))
	}
	step.inner = ctx
	output, err := step.callback(ctx)
	return output, orNil(err)
}

// inside returns all middleware of the function, the outermost first: app, which is that of
// the app, and then its own.
func (f *function) inside(app []Middleware) []Middleware { return slices.Concat(app, f.own) }
