package inngestkit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

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
		if in.Events[i], err = types.decode(event); err != nil {
			return in, err
		}
	}
	in.Event = in.Events[0]
	return in, nil
}

func (types eventTypes) decode(event RawEvent) (Event[any], error) {
	decoded := withData[any](event, event.Data)
	t := types.of(event.Name)
	if t == nil {
		return decoded, nil
	}
	data := reflect.New(t)
	if err := unmarshalData(event.Name, event.Data, data.Interface()); err != nil {
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
func unmarshalData(name string, data json.RawMessage, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		t := reflect.TypeOf(into).Elem()
		return NoRetry(call.Misfit(fmt.Sprintf("the data of event %q does not fit its Go type %v", name, t), err))
	}
	return nil
}
