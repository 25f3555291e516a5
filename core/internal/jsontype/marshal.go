package jsontype

import (
	"encoding/json"
	"reflect"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// Marshal is [safe.Marshal], with the methods of pointers called as they are when the
// value is decoded again.
func Marshal(value any) (json.RawMessage, error) { return safe.Marshal(Addressed(value)) }

// Addressed returns value, or a pointer to it if that makes a difference to its JSON.
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
