package inngestkit

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
)

// Function is a durable function: an ID, triggers, options and a handler. It is
// a plain value that does nothing until it is given to [App.Register]. [OnEvent]
// and [OnCron] make it.
type Function interface {
	// ID returns the ID of the function within its app.
	ID() string

	definition() definition
}

// TypedFunction is a [Function] with event data of type T and output of type R. The compiler
// checks these types where step.Invoke calls it.
type TypedFunction[T, R any] struct{ def definition }

var _ Function = TypedFunction[any, any]{}

// definition is everything that a function consists of.
type definition struct {
	id       string
	triggers []trigger
	// name is the default of the name option.
	name string
	// options are the function's own; outer are those of its groups, innermost first.
	options []Option
	outer   [][]Option
	// middleware goes around that of the options.
	middleware []Middleware
	// data is the type of the events' data.
	data reflect.Type
	// output is the type of what the handler returns.
	output reflect.Type
	// handler is the code of the handler.
	handler uintptr
	// invoke decodes the event and calls the handler; nil without a handler.
	invoke func(ctx context.Context, c *FunctionCall) (any, error)
}

// ID returns the ID of the function within its app.
func (f TypedFunction[T, R]) ID() string { return f.def.id }

func (f TypedFunction[T, R]) definition() definition { return f.def }

// Ref returns a reference to the function, for step.Invoke from within the same app.
func (f TypedFunction[T, R]) Ref() Ref[T, R] { return Ref[T, R]{FunctionID: f.def.id} }

// Ref refers to a function by its IDs: one of another app, or one whose value is out of
// reach. The caller guarantees that the function takes T and returns R.
type Ref[T, R any] struct {
	// AppID is the ID of the function's app; "" means the app of the caller.
	AppID string
	// FunctionID is the ID of the function within its app.
	FunctionID string
}

// Ref returns r, so that step.Invoke accepts a Ref as well as a function.
func (r Ref[T, R]) Ref() Ref[T, R] { return r }

// OnEvent returns the function id, which runs handler for every event that matches
// trigger. When the handler or a step returns an error, the server retries it: 4 times,
// unless flow.Retries sets another number.
//
// The server calls the handler several times in a run, once for each step that has to
// wait or to run. Code outside of steps must therefore be repeatable.
func OnEvent[T, R any](
	id string,
	trigger Trigger[T],
	handler func(ctx context.Context, in Input[T]) (R, error),
	options ...Option,
) TypedFunction[T, R] {
	triggers := triggersOf(trigger)
	f := newTypedFunction(id, inputDecoderFor[T](triggers), handler, options)
	f.def.triggers = triggers
	return f
}

// newTypedFunction returns a function without triggers.
func newTypedFunction[T, R any](
	id string, decode inputDecoder[T], handler func(context.Context, Input[T]) (R, error), options []Option,
) TypedFunction[T, R] {
	def := definition{id: id, options: slices.Clone(options), data: reflect.TypeFor[T](), output: reflect.TypeFor[R]()}
	if handler != nil {
		def.handler = reflect.ValueOf(handler).Pointer()
		def.invoke = func(ctx context.Context, c *FunctionCall) (any, error) {
			in, err := decode(c)
			if err != nil {
				return nil, err
			}
			return handler(ctx, in)
		}
	}
	return TypedFunction[T, R]{def}
}

// inputDecoder decodes the input of a call.
type inputDecoder[T any] func(c *FunctionCall) (Input[T], error)

// inputDecoderFor returns the decoder for a function with these triggers: if the
// function's T is any, the one that decodes data into the Go types of the events.
func inputDecoderFor[T any](triggers []trigger) inputDecoder[T] {
	if types := newEventTypes(triggers); types != nil {
		if decode, ok := any(inputDecoder[any](types.decodeInput)).(inputDecoder[T]); ok {
			return decode
		}
	}
	takesAny := takesAnyField(reflect.TypeFor[T]())
	return func(c *FunctionCall) (Input[T], error) {
		var hidden eventFields
		if takesAny {
			hidden = c.hidden
		}
		return decodeInput[T](c, c.input, hidden)
	}
}

// Option configures one function. The options are [Name], [TimeZone], [Jitter],
// [OnFailure], [Use] and those of package flow (flow.Retries, flow.Concurrency, …).
// [App.Register] refuses an option given twice, options that exclude each other, and
// values that the Inngest server would refuse or silently change.
type Option interface {
	// FunctionOption returns the option in a form that only this module knows:
	// App.Register refuses implementations from elsewhere.
	FunctionOption() any
}

// optionFunc is an option of this package that sets what package flow does not know.
type optionFunc func(o *functionOptions)

// FunctionOption implements Option.
func (f optionFunc) FunctionOption() any { return f }

// functionOptions is what the options of one function add up to.
type functionOptions struct {
	fnconfig.Config

	middleware []Middleware // the outermost first
	onFailure  *failure     // nil if the function has no failure handler
}

// apply applies an option, and reports whether it is one of this module.
func (o *functionOptions) apply(option Option) bool {
	if f, ok := option.FunctionOption().(optionFunc); ok {
		f(o)
		return true
	}
	return fnconfig.Apply(option, &o.Config)
}

// Name sets the name in the Inngest UI. The default is the function's ID.
func Name(name string) Option {
	return fnconfig.Func(func(c *fnconfig.Config) {
		if !c.SetOnce("Name", name) {
			return
		}
		if name == "" {
			c.Refuse("Name", name, "is empty; leave the option out to use the ID")
		}
		c.Options.Name = name
	})
}

// Group holds options and middleware that several functions share. A function's own option
// replaces its group's, and an inner group's option replaces an outer group's. Middleware
// adds up: an outer group's wraps an inner group's. Options that exclude each other are
// refused even if one is the group's and the other the function's.
type Group struct{ options []Option }

// NewGroup returns a group with options.
func NewGroup(options ...Option) Group { return Group{slices.Clone(options)} }

// Functions returns the functions with the group's options added, to be registered or put
// into another group. The functions passed in do not change.
func (g Group) Functions(functions ...Function) []Function {
	grouped := make([]Function, len(functions))
	for i, f := range functions {
		if f == nil {
			continue // Register reports it.
		}
		def := f.definition()
		def.outer = append(slices.Clone(def.outer), g.options)
		grouped[i] = groupedFunction{def}
	}
	return grouped
}

// groupedFunction is a function with the options of its groups.
type groupedFunction struct{ def definition }

func (f groupedFunction) ID() string             { return f.def.id }
func (f groupedFunction) definition() definition { return f.def }

// checkInvocable refuses the value of a function that is not registered with the app: the
// server would invoke another one, or none, under its ID in this app. A [Ref] has the ID of
// its app itself.
func (a *App) checkInvocable(function any) error {
	f, ok := function.(Function)
	if !ok {
		return nil
	}
	registered := a.registry.Load().byID[a.compositeID(f.ID())]
	if registered != nil && sameCode(registered.source.handler, f.definition().handler) {
		return nil
	}
	return fmt.Errorf("function %q is not registered with app %q: register it there, "+
		"or name its app in the AppID of an inngestkit.Ref", f.ID(), a.ID())
}

// sameCode reports whether two handlers are the same function in the source code. Code that
// makes a [Function] may run several times, and where the compiler inlines it, the handler
// is compiled several times.
func sameCode(a, b uintptr) bool {
	if a == b {
		return true
	}
	f, g := runtime.FuncForPC(a), runtime.FuncForPC(b)
	if f == nil || g == nil {
		return false
	}
	fileA, lineA := f.FileLine(a)
	fileB, lineB := g.FileLine(b)
	return fileA == fileB && lineA == lineB
}
