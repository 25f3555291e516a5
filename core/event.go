package inngestkit

import "github.com/inngest/inngestgo"

// Event is one event with data of type T. It is the SDK's own type, so events
// made here can be handed to code written for the SDK and back.
type Event[T any] = inngestgo.GenericEvent[T]

// Input is what a function is called with: the triggering event, the batch of
// events it came in, and the context of the call. It is the SDK's own type, so
// functions written for the SDK compile unchanged.
//
// Data is decoded with encoding/json, straight from the bytes the server sent.
// Numbers keep every digit in integer fields and json.Number; in fields of type
// any they become float64, as encoding/json has it.
type Input[T any] = inngestgo.Input[T]

// InputCtx is the context of a call: IDs of function, run and step, and the
// number of the attempt, counted from 0.
type InputCtx = inngestgo.InputCtx

// AnyEvent is an [Event] of any data type.
type AnyEvent interface {
	// Event is the event with its data as a map. It tells events from other
	// values; sending encodes the event itself.
	Event() inngestgo.Event
}

var _ AnyEvent = Event[struct{}]{}

// EventType names an event and says of which Go type its data is. It is a
// [Trigger] for that event; it makes events to send; and step.WaitForEvent waits
// for it.
type EventType[T any] struct {
	name string
}

// NewEvent defines the event called name with data of type T, which is a struct,
// a map or anything else that encoding/json makes a JSON object of. A bad name
// or type is reported where the event is used: by [App.Register] or [App.Send].
func NewEvent[T any](name string) EventType[T] {
	return EventType[T]{name: name}
}

// Name is the name of the event.
func (e EventType[T]) Name() string { return e.name }

// New returns an event of this type that carries data, ready to be sent. ID and
// Timestamp may be set on it; the server fills them in otherwise.
func (e EventType[T]) New(data T) Event[T] {
	return Event[T]{Name: e.name, Data: data}
}

// If returns a trigger for this event on the condition that expression, in the
// Common Expression Language, is true: `event.data.amount > 1000`.
func (e EventType[T]) If(expression string) Trigger[T] {
	return conditional[T]{trigger{event: e.name, expression: &expression}}
}
