package jsontype

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Marshal is json.Marshal, with the methods of pointers called as they are when the value
// is decoded again. What panics is a method of the value's type: an error says so.
func Marshal(value any) (raw json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			raw, err = nil, fmt.Errorf("encoding it panicked: %v", r)
		}
	}()
	return json.Marshal(Addressed(value))
}

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
