package jsontype

import (
	"encoding/json"
	"reflect"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Marshal is [safe.Marshal] that also calls methods with pointer receivers, as decoding
// does.
func Marshal(value any) (json.RawMessage, error) { return safe.Marshal(Addressed(value)) }

// Addressed returns a pointer to value if that changes its JSON, otherwise value.
func Addressed(value any) any {
	if value == nil || !Of(reflect.TypeOf(value)).Pointed {
		return value
	}
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		return value
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}
