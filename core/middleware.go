package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Middleware wraps what functions do. Every field may be nil.
//
// Middleware is installed for all functions of an app ([App.Use]), for a group, or
// for one function ([Use]). Around a call it runs in that order, and within each in
// the order given: the app's first is the outermost. Handlers are wrapped once, at
// registration, and again when the app gets more middleware, so they should not keep
// state of their own; what a handler's code does before and after next happens on
// each call.
type Middleware struct {
	// Function wraps each call of a function. A run is several calls: all but the
	// last end with [ErrYielded]. (With flow.Checkpoint a call may come to the end
	// of the function and be repeated, because the server has not taken its results.)
	Function func(next FunctionHandler) FunctionHandler
	// Step wraps each step whose callback runs (step.Run and step.SendEvent). A
	// step whose result was kept from an earlier call does not come by here, so
	// each step does so once, or once for each attempt.
	Step func(next StepHandler) StepHandler
	// Restore changes the kept result of a step, of any kind but Sleep, before the
	// function gets it, on every call that hands it out. It undoes what Step, or the
	// Function of an invoked function, did to the output, for example to decrypt it.
	// That includes what a failed step has returned besides its error, unless it is the
	// zero value.
	Restore func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Invoke changes the data, a JSON object, that step.Invoke gives to the other
	// function, when the step is new. The other function's middleware finds it in
	// its event.
	Invoke func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)
	// Send wraps each [App.Send] and step.SendEvent, those outside of functions
	// too if the middleware is the app's.
	Send func(next SendHandler) SendHandler
	// EventField names a field of events' data that Send and Invoke add for the use of
	// this middleware, a JSON object. Functions, and steps that wait for an event, do not
	// get it if their type of data takes fields that it does not name, as maps do.
	// Middleware does.
	EventField string
}

// FunctionHandler runs a function. It returns the function's output, which may be
// changed as long as encoding/json can encode it, or its error. Call next once.
type FunctionHandler func(ctx context.Context, call *FunctionCall) (any, error)

// StepHandler runs the callback of a step. It returns the step's output, or its
// error.
type StepHandler func(ctx context.Context, step *StepCall) (any, error)

// SendHandler sends events and returns their IDs.
type SendHandler func(ctx context.Context, events []RawEvent) ([]string, error)

// ErrYielded is what next returns to the middleware around a function when the
// function has not ended: a step has handed over to the server, which calls the
// function again. It is no failure. Whatever the middleware returns then, the
// answer to the server stays the same.
var ErrYielded = errors.New("the function yielded to the server; it is called again")

// StepCall is a step whose callback runs, or whose kept result is handed out.
type StepCall struct {
	// ID is the step's ID in the function.
	ID string
	// Kind is what the step does, by the name of its operation at Inngest: StepRun
	// (also of step.SendEvent), Sleep, WaitForEvent, WaitForSignal, InvokeFunction,
	// Gateway (step.Fetch) or AIGateway (step.Infer). Only a StepRun has a callback;
	// Restore sees all but Sleep.
	Kind string
	// Index counts the steps with the same ID before this one in the function.
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
	return fnconfig.Func(func(c *fnconfig.Config) {
		for _, m := range middleware {
			c.Middleware = append(c.Middleware, m)
		}
	})
}

// Use adds middleware to all functions of the app, those registered before too,
// and to what is sent with it. Calls that are running are not affected.
func (a *App) Use(middleware ...Middleware) {
	a.registering.Lock()
	defer a.registering.Unlock()
	all, functions := slices.Concat(a.middleware, middleware), a.registry.Load().order
	// A handler that panics while it is wrapped leaves everything as it was.
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

// dataHook changes data of a step.
type dataHook = func(ctx context.Context, step *StepCall, data json.RawMessage) (json.RawMessage, error)

// chain is the middleware of a function, or of an app, around the handlers.
type chain struct {
	function FunctionHandler
	step     StepHandler
	restore  []dataHook
	invoke   []dataHook
	send     SendHandler // nil if no middleware wants to see events
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

func handleFunction(ctx context.Context, call *FunctionCall) (any, error) {
	if call.started || !call.owns(ctx) {
		return nil, NoRetry(fmt.Errorf("the middleware of function %q has called next twice, "+
			"or with a context that is not derived from its own", call.FunctionID))
	}
	call.started = true
	call.call.Inner = ctx
	defer call.call.SetHandled()
	output, err := call.handler(ctx, call)
	err = orNil(err)
	if gone := call.call.Caller.Err(); err == nil && gone != nil && !call.call.Yielded() {
		// Nobody may be there to take the result.
		err = fmt.Errorf("%w: %w", errHungUp, ctxerr.Cause(call.call.Caller))
	}
	if !call.call.Yielded() {
		call.call.Replay.SetFresh() // the end is new, whatever steps there used to be
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

// inside returns all that wraps the function, the outermost first, with the app's
// middleware around its own.
func (f *function) inside(app []Middleware) []Middleware {
	all := slices.Clone(app)
	for _, m := range f.own {
		all = append(all, m.(Middleware)) //nolint:forcetypeassert // only Use puts them there
	}
	return all
}

// through passes the data of a step through hooks of the middleware.
func through(
	ctx context.Context, name string, hooks []dataHook, step *StepCall, data json.RawMessage,
) (json.RawMessage, error) {
	var err error
	for _, hook := range hooks {
		if data, err = hook(ctx, step, data); err != nil {
			return nil, err
		}
	}
	if !json.Valid(data) {
		return nil, fmt.Errorf("the middleware's %s returned no JSON for step %q", name, step.ID)
	}
	return data, nil
}
