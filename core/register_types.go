package inngestkit

import (
	"cmp"
	"encoding/json"
	"reflect"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// checkTypes reports Go types that JSON does not keep.
func (d *definition) checkTypes(config *fnconfig.Config) {
	if d.data != nil {
		checkEventType(d.data, config)
	}
	types := map[string]reflect.Type{}
	for _, t := range d.triggers {
		data := t.shape.Type
		if data == nil || data == d.data {
			continue
		}
		before, seen := types[t.event]
		switch {
		case !seen:
			checkEventType(data, config)
			types[t.event] = data
		case before != data:
			config.Refuse("Trigger", t.event, "has two Go types for its data, %v and %v; use one", before, data)
		}
	}
	if d.output != nil {
		facts := jsontype.Of(d.output)
		if reason := cmp.Or(facts.Encoding, facts.Empty); reason != "" {
			config.Refuse("Handler", d.output.String(), "cannot be the output, which is JSON: %s", reason)
		}
	}
}

// checkEventType reports a Go type that cannot be that of event data.
func checkEventType(data reflect.Type, config *fnconfig.Config) {
	facts := jsontype.Of(data)
	reason := cmp.Or(facts.Decoding, facts.Empty)
	switch {
	case !isObject(data):
		config.Refuse("Event", data.String(), "cannot be event data, which is a JSON object; use a struct or a map")
	case reason != "":
		config.Refuse("Event", data.String(),
			"cannot be event data: %s; use a struct with exported fields, or a map", reason)
	}
}

// isObject reports whether values of type t can be decoded from a JSON object.
func isObject(t reflect.Type) bool {
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Interface:
		return true
	case reflect.Pointer:
		return isObject(t.Elem())
	default:
		return false
	}
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()
