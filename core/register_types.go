package inngestkit

import (
	"cmp"
	"encoding/json"
	"reflect"

	"github.com/inngestkit/inngestkit/core/internal/fnconfig"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// checkTypes reports Go types that do not make the way through JSON.
func (d *definition) checkTypes(config *fnconfig.Config) {
	if d.data != nil {
		facts := jsontype.Of(d.data)
		reason := cmp.Or(facts.Decoding, facts.Empty)
		switch {
		case !isObject(d.data):
			config.Refuse("Event", d.data.String(), "cannot be event data, which is a JSON object; use a struct or a map")
		case reason != "":
			config.Refuse("Event", d.data.String(),
				"cannot be event data: %s; use a struct with exported fields, or a map", reason)
		}
	}
	if d.output != nil {
		facts := jsontype.Of(d.output)
		if reason := cmp.Or(facts.Encoding, facts.Empty); reason != "" {
			config.Refuse("Handler", d.output.String(), "cannot be the output, which is JSON: %s", reason)
		}
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
