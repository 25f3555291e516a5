package eventpath

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
)

// fieldsOf returns the fields of a struct, by the names that encoding/json gives them, with
// their types. For embedded structs encoding/json applies the rules of Go to the names in
// JSON: among fields with the same name, the least nested one wins, then the one with a tag.
// If several remain, none counts.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	hidden := map[string]bool{}
	seen := map[reflect.Type]bool{}
	for level := []reflect.Type{t}; len(level) > 0; {
		var l fieldLevel
		for _, t := range level {
			if !seen[t] {
				l.add(t)
			}
		}
		for _, t := range level {
			seen[t] = true
		}
		for name, candidates := range l.names {
			if hidden[name] {
				continue
			}
			hidden[name] = true
			if t, ok := dominant(candidates); ok {
				fields[name] = t
			}
		}
		level = l.embedded
	}
	return fields
}

// fieldLevel has the fields at one depth of embedding.
type fieldLevel struct {
	names    map[string][]candidate
	embedded []reflect.Type
}

type candidate struct {
	t      reflect.Type
	tagged bool
}

func (l *fieldLevel) add(t reflect.Type) {
	if l.names == nil {
		l.names = map[string][]candidate{}
	}
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		if strings.ContainsAny(name, "\"'`\\") { // encoding/json ignores such names
			name = ""
		}
		embedded := f.Type
		if f.Anonymous && embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		isEmbedded := f.Anonymous && embedded.Kind() == reflect.Struct
		switch {
		case tag == "-" || !f.IsExported() && !isEmbedded:
		case isEmbedded && name == "":
			l.embedded = append(l.embedded, embedded)
		case f.IsExported():
			l.names[cmp.Or(name, f.Name)] = append(l.names[cmp.Or(name, f.Name)], candidate{f.Type, name != ""})
		}
	}
}

// dominant returns the field that encoding/json chooses among those with the same name.
func dominant(candidates []candidate) (reflect.Type, bool) {
	var tagged []candidate
	for _, c := range candidates {
		if c.tagged {
			tagged = append(tagged, c)
		}
	}
	if len(tagged) > 0 {
		candidates = tagged
	}
	return candidates[0].t, len(candidates) == 1
}

// isFree reports whether the fields of t do not determine its JSON: t is an interface, or
// encodes or decodes itself.
func isFree(t reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return true
	}
	for _, i := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	} {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}
