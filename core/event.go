package inngestkit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/eventpath"
)

// Event is one event with data of type T. Its fields are Name, Data, ID, Timestamp (in
// milliseconds since 1970), User and Version. It is the SDK's own type, so code written for
// the SDK accepts events made here, and the other way round.
type Event[T any] = inngestgo.GenericEvent[T]

// Input is the argument of a function: the triggering event, all events of its batch,
// and the context of the call, in its fields Event, Events and InputCtx. It is the SDK's
// own type, so functions written for the SDK compile unchanged.
//
// Data is decoded with encoding/json, or Config.JSON, from the bytes that the server sent.
// With encoding/json, numbers keep every digit in integer fields and json.Number; in fields
// of type any they become float64. Event and Events[0] share maps, slices and pointers.
type Input[T any] = inngestgo.Input[T]

// InputCtx is the context of a call. Its fields are Env, FunctionID, RunID, StepID,
// RequestID, JobID, and Attempt, the zero-based number of the attempt.
type InputCtx = inngestgo.InputCtx

// AnyEvent is an [Event] of any data type.
type AnyEvent interface {
	// Event returns the event with its data as a map. Sending does not call it: it
	// distinguishes events from other values.
	Event() inngestgo.Event
}

var _ AnyEvent = Event[struct{}]{}

// EventType is an event's name together with the Go type of its data. It is a [Trigger]
// for that event, makes events to send, and is what step.WaitForEvent and flow.CancelOn
// take. [DefineEvent] makes it.
type EventType[T any] struct {
	name string
	open bool
}

// EventOption is an option of [DefineEvent].
type EventOption interface{ apply(o *eventOptions) }

type eventOptions struct{ open bool }

type additionalProperties struct{}

func (additionalProperties) apply(o *eventOptions) { o.open = true }

// AdditionalProperties allows events to have fields in their data that T does not
// declare, for example because T has only the fields that the app reads. Expressions may
// then use paths that T does not have, and a misspelt path goes unnoticed.
func AdditionalProperties() EventOption { return additionalProperties{} }

// DefineEvent returns the event type called name with data of type T: a struct, a map or
// another type that encoding/json encodes as a JSON object. [App.Register] and [App.Send]
// report a bad name or type.
//
// Paths in the expressions of functions and in the conditions of waits are checked against
// T; see [AdditionalProperties] and package flow.
func DefineEvent[T any](name string, options ...EventOption) EventType[T] {
	var o eventOptions
	for _, option := range options {
		if option != nil {
			option.apply(&o)
		}
	}
	return EventType[T]{name: name, open: o.open}
}

// Name returns the name of the event.
func (e EventType[T]) Name() string { return e.name }

// New returns an event of this type with data, ready to be sent. The server fills in ID
// and Timestamp unless they are set.
func (e EventType[T]) New(data T) Event[T] {
	return Event[T]{Name: e.name, Data: data}
}

// Decode returns event with its data decoded into T, as for [Input]. It is for events whose
// data is still JSON: a [RawEvent] in middleware, or the event of a [FailedRun] of
// json.RawMessage. It decodes with encoding/json, whatever Config.JSON is.
//
// An event with another name is an error, unless it is that of an invoked run, whose name
// is always "inngest/function.invoked". Errors are not retried if the function returns them.
func (e EventType[T]) Decode(event Event[json.RawMessage]) (Event[T], error) {
	var data T
	if event.Name != e.name && event.Name != invokedEvent {
		return withData(event, data), NoRetry(
			fmt.Errorf("event %q is not %q: check its Name before decoding it", event.Name, e.name))
	}
	err := unmarshalData(codec.Codec{}, event.Name, event.Data, &data)
	return withData(event, data), err
}

// invokedEvent is the name of the event of a run that step.Invoke started.
const invokedEvent = "inngest/function.invoked"

// If returns a trigger for those events of this type for which expression, in the Common
// Expression Language, is true: `event.data.amount > 1000`.
func (e EventType[T]) If(expression string) Trigger[T] {
	return conditional[T]{trigger{event: e.name, expression: &expression, shape: eventpath.ShapeOf(e)}}
}

// DataType returns T, and whether events may have fields that T does not declare; see
// [AdditionalProperties]. Package flow reads it.
func (e EventType[T]) DataType() (t reflect.Type, additionalProperties bool) {
	return reflect.TypeFor[T](), e.open
}

// eventTypes has the Go types of the data of a function's events, by the name of the
// event, for a function of [AnyOfTypes].
type eventTypes map[string]reflect.Type

// newEventTypes returns the types of the triggers' events, nil if all of them are
// interfaces, into which encoding/json decodes without help.
func newEventTypes(triggers []trigger) eventTypes {
	types, concrete := eventTypes{}, false
	for _, t := range triggers {
		if t.shape.Type == nil {
			continue
		}
		types[t.shape.Event] = t.shape.Type
		concrete = concrete || t.shape.Type.Kind() != reflect.Interface
	}
	if !concrete {
		return nil
	}
	return types
}

// decodeInput is the function decodeInput with the data of each event decoded into the
// type of the event.
func (types eventTypes) decodeInput(c *FunctionCall) (Input[any], error) {
	raw, err := decodeInput[json.RawMessage](c, c.input, c.hidden)
	if err != nil {
		return Input[any]{}, err
	}
	in := Input[any]{InputCtx: raw.InputCtx, Events: make([]Event[any], len(raw.Events))}
	for i, event := range raw.Events {
		if in.Events[i], err = types.decode(c.call.Codec, event); err != nil {
			return in, err
		}
	}
	in.Event = in.Events[0]
	return in, nil
}

func (types eventTypes) decode(with codec.Codec, event RawEvent) (Event[any], error) {
	decoded := withData[any](event, event.Data)
	t := types.of(event.Name)
	if t == nil {
		return decoded, nil
	}
	data := reflect.New(t)
	if err := unmarshalData(with, event.Name, event.Data, data.Interface()); err != nil {
		return decoded, err
	}
	decoded.Data = data.Elem().Interface()
	return decoded, nil
}

// of returns the type for an event, nil if no trigger is for it. A trigger is for one
// name, or with an asterisk at its end for all names that begin like it, of which the
// longest counts.
func (types eventTypes) of(name string) reflect.Type {
	if t, ok := types[name]; ok {
		return t
	}
	var found reflect.Type
	longest := 0
	for pattern, t := range types {
		prefix, ok := strings.CutSuffix(pattern, "*")
		if ok && strings.HasPrefix(name, prefix) && len(prefix) >= longest {
			found, longest = t, len(prefix)
		}
	}
	return found
}

// withData returns event with other data.
func withData[T any](event RawEvent, data T) Event[T] {
	return Event[T]{
		ID: event.ID, Name: event.Name, Data: data, User: event.User, Timestamp: event.Timestamp, Version: event.Version,
	}
}

// unmarshalData decodes the data of the event called name into what into points to. The
// error is not retried: another attempt would get the same data.
func unmarshalData(with codec.Codec, name string, data json.RawMessage, into any) error {
	if err := with.Unmarshal(data, into); err != nil {
		t := reflect.TypeOf(into).Elem()
		return NoRetry(call.Misfit(fmt.Sprintf("the data of event %q does not fit its Go type %v", name, t), err))
	}
	return nil
}
