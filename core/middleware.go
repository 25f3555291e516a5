package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// Middleware wraps functions, steps and sends. Every field may be nil.
//
// Install it for all functions of an app with [App.Use], or for a [Group] or one function
// with [Use]. It runs in that order, and within each in the order given: the app's first
// middleware is the outermost. Each field that wraps a handler is called when functions are
// registered, and again when the app gets more middleware, so it should not keep state. The
// handler that it returns runs on each call.
type Middleware struct {
	// Function wraps each call of a function. A run takes several calls. If a call ends
	// because a step hands over to the server, next returns [ErrYielded]; other errors are
	// failures, after which the server may retry. (With flow.Checkpoint a call that reaches
	// the end of the function is repeated if the server has not accepted its results.)
	Function func(next FunctionHandler) FunctionHandler
	// Step wraps each step whose callback runs (step.Run and step.SendEvent). Memoized
	// steps bypass it, so it sees each step once per attempt.
	Step func(next StepHandler) StepHandler
	// Restore changes the memoized result of a step each time before the function gets it.
	// It undoes what Step, or the Function of an invoked function, did to the output; for
	// example, it decrypts it. It is called for steps of all kinds but Sleep, and also for
	// the value that a failed step returned with its error, unless that is the zero value.
	// It may change data in place.
	Restore func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Invoke changes the data, a JSON object, that a new step.Invoke passes to the other
	// function, whose middleware sees it in the event.
	Invoke func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Send wraps each [App.Send] and step.SendEvent. The app's middleware also wraps those
	// outside functions.
	Send func(next SendHandler) SendHandler
	// EventField names a field, a JSON object, that Send and Invoke add to the data of events
	// for this middleware. Middleware sees it. It is removed from the events of functions and
	// of steps that wait if the Go type of the data would accept it without naming it, as a
	// map does.
	EventField string
}

// A FunctionHandler runs a function and returns its output or its error. Middleware may
// change the output to anything that encoding/json can encode. It calls next once.
type FunctionHandler func(ctx context.Context, call *FunctionCall) (any, error)

// A StepHandler runs the callback of a step and returns its output or its error.
type StepHandler func(ctx context.Context, step *StepCall) (any, error)

// A SendHandler sends events and returns their IDs.
type SendHandler func(ctx context.Context, events []RawEvent) ([]string, error)

// ErrYielded is the error that next returns to middleware if the function has not ended: a
// step has handed over to the server, which calls the function again. It does not mean a
// failure. What the middleware returns then does not change the response to the server.
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
	// Index is the number of steps with the same ID before this one in the function.
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

// A dataHook changes the data of a step: Middleware.Restore or Middleware.Invoke.
type dataHook = func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)

// A chain holds the handlers of a function, or of an app, wrapped in their middleware.
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
		return nil, NoRetry(fmt.Errorf("the middleware of function %q called next twice, "+
			"or with a context that is not derived from its own", c.FunctionID))
	}
	c.started = true
	c.call.Inner = ctx //nolint:fatcontext // once in a call
	defer c.call.CheckStepsEnded()
	output, err := c.handler(ctx, c)
	err = ctxerr.Explain(orNil(err), c.call.Caller)
	if gone := c.call.Caller.Err(); err == nil && gone != nil && !c.call.Yielded() {
		// The result may not reach the server.
		err = fmt.Errorf("%w: %w", errHungUp, ctxerr.Cause(c.call.Caller))
	}
	if !c.call.Yielded() {
		c.call.Replay.BeginFresh() // the end is new, even if results are unclaimed
	}
	return output, err
}

func handleStep(ctx context.Context, step *StepCall) (any, error) {
	if !step.Function.owns(ctx) {
		return nil, NoRetry(fmt.Errorf(
			"the middleware of step %q called next with a context that is not derived from its own", step.ID))
	}
	step.inner = ctx
	output, err := step.callback(ctx)
	return output, ctxerr.Explain(orNil(err), step.Function.call.Caller)
}

// inside returns all middleware of the function, the outermost first: app, which is that of
// the app, and then its own.
func (f *function) inside(app []Middleware) []Middleware { return slices.Concat(app, f.own) }
