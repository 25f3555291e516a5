// Package jsontype finds out from a Go type, without a value, whether its values survive
// encoding to JSON and decoding.
package jsontype

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// Facts describe a type.
type Facts struct {
	// Encoding explains why no value can be encoded, "" if values can.
	Encoding string
	// Empty explains why the JSON of a value has none of its data, "" if it has some.
	Empty string
	// Lost explains why the JSON of a value has none of the data of a part of it, "" if it has.
	Lost string
	// Decoding explains why only null can be decoded, "" if other values can.
	Decoding string
	// Doubtful reports that it depends on the value whether its JSON can be decoded.
	Doubtful bool
	// Pointed reports that methods with pointer receivers take part in the encoding.
	// encoding/json calls them only for addressable values.
	Pointed bool
}

var (
	known sync.Map // Facts by reflect.Type

	marshaler       = reflect.TypeFor[json.Marshaler]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	anError         = reflect.TypeFor[error]()
)

// Of returns the facts about t, which it determines once per type.
func Of(t reflect.Type) Facts {
	if facts, ok := known.Load(t); ok {
		return facts.(Facts) //nolint:forcetypeassert // nothing else is in there
	}
	w := walk{seen: map[visit]bool{}}
	facts := Facts{Encoding: w.encoding(t, "", true), Empty: w.empty, Decoding: decoding(t, map[reflect.Type]bool{})}
	facts.Lost, facts.Doubtful, facts.Pointed = w.lost, w.doubtful, w.pointed
	if t == anError {
		facts.Empty = "the JSON of an error does not have its message; return the text of it"
	}
	known.Store(t, facts)
	return facts
}

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

// walk visits a type and its parts.
type walk struct {
	seen     map[visit]bool
	empty    string
	lost     string
	doubtful bool
	pointed  bool
}

// A visit is of a type whose values are addressed, or are not.
type visit struct {
	t         reflect.Type
	addressed bool
}

// encoding explains why values of t at path cannot be encoded. All values are addressed
// except the elements of maps.
func (w *walk) encoding(t reflect.Type, path string, addressed bool) string {
	if w.seen[visit{t, addressed}] {
		return ""
	}
	w.seen[visit{t, addressed}] = true
	if w.encodesItself(t, addressed) {
		return ""
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Sprintf("%sJSON has no %s", path, t.Kind())
	case reflect.Interface:
		w.doubtful = w.doubtful || t.NumMethod() > 0
		return ""
	case reflect.Map:
		if !isKey(t.Key()) {
			return fmt.Sprintf("%sa key of a JSON object cannot be made of %v", path, t.Key())
		}
		return w.encoding(t.Elem(), path, false)
	case reflect.Pointer, reflect.Slice:
		return w.encoding(t.Elem(), path, true)
	case reflect.Array:
		return w.encoding(t.Elem(), path, addressed)
	case reflect.Struct:
		return w.fields(t, path, addressed)
	default:
		return ""
	}
}

// encodesItself reports whether a method encodes t. If no method decodes t, its JSON may
// not fit.
func (w *walk) encodesItself(t reflect.Type, addressed bool) bool {
	switch {
	case encodes(t):
	case addressed && encodes(reflect.PointerTo(t)):
		w.pointed = true
	default:
		return false
	}
	w.doubtful = w.doubtful || !decodesItself(t)
	return true
}

// fields is encoding for a struct.
func (w *walk) fields(t reflect.Type, path string, addressed bool) string {
	exported := t.NumField() == 0 // then nothing is lost
	for _, field := range reflect.VisibleFields(t) {
		tag := field.Tag.Get("json")
		if !field.IsExported() || (field.Anonymous && tag == "" && isStruct(field.Type)) {
			continue // VisibleFields includes the fields of an embedded struct
		}
		exported = true
		if tag == "-" || strings.Contains(tag, ",omitzero") {
			continue
		}
		if reason := w.encoding(field.Type, path+"field "+field.Name+": ", addressed); reason != "" {
			return reason
		}
	}
	switch {
	case exported:
	case path == "" && addressed && !decodesItself(t):
		w.empty = fmt.Sprintf("%v has no exported field, so its JSON is empty", t)
	case !addressed && encodes(reflect.PointerTo(t)):
		w.lost = fmt.Sprintf("%sthe JSON of each %v in a map is empty, because encoding/json does not call "+
			"the methods of *%v there; use a map of *%v", path, t, t, t)
	}
	return ""
}

// decoding explains why nothing can be decoded into t. It ignores the fields of structs,
// because JSON need not have them.
func decoding(t reflect.Type, seen map[reflect.Type]bool) string {
	if decodesItself(t) || seen[t] {
		return ""
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return decoding(t.Elem(), seen)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("JSON cannot be decoded into the interface %v", t)
		}
		return ""
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Sprintf("JSON has no %s", t.Kind())
	default:
		return ""
	}
}

// encodes reports whether t has a method that encodes its values.
func encodes(t reflect.Type) bool { return t.Implements(marshaler) || t.Implements(textMarshaler) }

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(unmarshaler) || t.Implements(textUnmarshaler) ||
		p.Implements(unmarshaler) || p.Implements(textUnmarshaler)
}

func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || (t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct)
}

// isKey reports whether encoding/json accepts t as the key of an object.
func isKey(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	default:
		return t.Implements(textMarshaler)
	}
}
