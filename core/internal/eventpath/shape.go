package eventpath

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Shape is what is known of an event's data.
type Shape struct {
	// Event is the name of the event.
	Event string
	// Type is the Go type of the data, nil if it is not known.
	Type reflect.Type
	// Open reports whether the data may have fields that the type does not declare.
	Open bool
}

// TypedEvent is an inngestkit.EventType of any data type.
type TypedEvent interface {
	Name() string
	DataType() (t reflect.Type, additionalProperties bool)
}

// ShapeOf returns what is known of the data of e's events.
func ShapeOf(e TypedEvent) Shape {
	t, open := e.DataType()
	return Shape{Event: e.Name(), Type: t, Open: open}
}

// members are the fields of an event on server v1.43.0 (Event.Map in its pkg/event).
// Servers since v1.12.1 have all of them but meta.
var members = []string{"data", "id", "meta", "name", "ts", "user", "v"}

// Problem returns why the event has nothing at path, "" if it has something there or may.
func (s Shape) Problem(path Path) string {
	if len(path.Segments) == 0 {
		return ""
	}
	first := path.Segments[0]
	switch {
	case first.IsIndex || !slices.Contains(members, first.Name):
		return missing(path, 0, "an event", members)
	case first.Name == "user" || first.Name == "meta":
		return ""
	case first.Name != "data":
		if len(path.Segments) > 1 {
			return fmt.Sprintf("has %q, but the %s of an event has no fields", path, first.Name)
		}
		return ""
	}
	return s.walk(s.Type, path)
}

// walk follows the path after data through the type t.
func (s Shape) walk(t reflect.Type, path Path) string {
	for i := 1; i < len(path.Segments); i++ {
		for t != nil && t.Kind() == reflect.Pointer && !isFree(t) {
			t = t.Elem()
		}
		if t == nil || isFree(t) {
			return ""
		}
		segment := path.Segments[i]
		switch {
		case t.Kind() == reflect.Struct && !segment.IsIndex:
			fields := fieldsOf(t)
			field, ok := fields[segment.Name]
			if !ok && s.Open {
				return ""
			}
			if !ok {
				return s.missing(path, i, t, slices.Sorted(maps.Keys(fields)))
			}
			t = field
		case t.Kind() == reflect.Map:
			t = t.Elem()
		case isList(t) && segment.IsIndex:
			t = t.Elem()
		default:
			return s.dead(path, i, t)
		}
	}
	return ""
}

// isList reports whether encoding/json encodes t as a list. It encodes bytes as text.
func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Array || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

// missing returns the problem that the type t, at the first n segments of path, lacks the
// next one.
func (s Shape) missing(path Path, n int, t reflect.Type, names []string) string {
	what := fmt.Sprintf("%v, the type of event %q,", t, s.Event)
	if t.Name() == "" { // %v would print all its fields
		what = fmt.Sprintf("the type of event %q", s.Event)
	}
	return missing(path, n, what, names) +
		"; if such events have more fields than the type declares, define the event with inngestkit.AdditionalProperties()"
}

// missing returns the problem that what, at the first n segments of path, lacks the next
// one. names are the fields that it has.
func missing(path Path, n int, what string, names []string) string {
	wanted := path.Segments[n].Name
	text := fmt.Sprintf("has %q, which is null to the server: %s has no %q", path, what, wanted)
	for _, name := range names {
		if folded(name) == folded(wanted) {
			return text + "; write " + path.under(n, name)
		}
	}
	if len(names) == 0 {
		return text + " or any other field"
	}
	return text + "; it has " + listed(names)
}

// dead returns the problem that the type t, at the first n segments of path, does not have
// fields or elements as the next segment needs them.
func (s Shape) dead(path Path, n int, t reflect.Type) string {
	at := Path{Root: path.Root, Segments: path.Segments[:n]}
	switch {
	case isList(t):
		return fmt.Sprintf("has %q, which is null to the server: %s is a list; name an element, as in %s[0]", path, at, at)
	case path.Segments[n].IsIndex:
		return fmt.Sprintf("has %q, which is null to the server: %s is not a list, but %v", path, at, t)
	default:
		return fmt.Sprintf("has %q, which is null to the server: %s is %v and has no fields", path, at, t)
	}
}

// maxListed is how many names a message lists.
const maxListed = 8

func listed(names []string) string {
	if more := len(names) - maxListed; more > 0 {
		return strings.Join(names[:maxListed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}

// folded returns name without differences of spelling: userId, user_id and UserID are equal.
func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}
