package inngestkit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/tidwall/gjson"
)

// eventFields are the names of fields that middleware has put into events for its own use.
type eventFields []string

// hide returns raw, an event or an array of them, without the fields. It is not copied if
// it has none of them.
func (f eventFields) hide(raw []byte) []byte {
	if !f.mayBeIn(raw) {
		return raw
	}
	h := hiding{fields: f, raw: raw}
	if parsed := gjson.ParseBytes(raw); parsed.IsArray() {
		h.each(parsed)
	} else {
		h.event(parsed)
	}
	return h.rest()
}

func (f eventFields) mayBeIn(raw []byte) bool {
	return slices.ContainsFunc(f, func(name string) bool { return bytes.Contains(raw, []byte(name)) })
}

// hiding looks for the fields in raw.
type hiding struct {
	fields eventFields
	raw    []byte
	cuts   [][2]int // where members of objects begin and end
}

func (h *hiding) each(events gjson.Result) {
	events.ForEach(func(_, event gjson.Result) bool {
		h.event(event)
		return true
	})
}

// event looks at the data of an event, and of the events that an event of the server about
// a run has in it.
func (h *hiding) event(event gjson.Result) {
	data := event.Get("data")
	if !data.IsObject() {
		return
	}
	first := true // of the members that stay
	data.ForEach(func(key, value gjson.Result) bool {
		if value.IsObject() && slices.Contains(h.fields, key.String()) {
			h.cut(key.Index, value.Index+len(value.Raw), first)
		} else {
			first = false
		}
		return true
	})
	switch event.Get("name").Str {
	case failedEvent, finishedEvent:
		h.event(data.Get("event"))
		h.each(data.Get("events"))
	}
}

// cut takes note of a member, with the comma before it; that behind it, if there is one,
// goes with the first.
func (h *hiding) cut(begin, end int, first bool) {
	const space = " \t\r\n"
	if behind := bytes.TrimLeft(h.raw[end:], space); !first {
		begin = bytes.LastIndexByte(h.raw[:begin], ',')
	} else if bytes.HasPrefix(behind, []byte(",")) {
		end = len(h.raw) - len(behind) + 1
	}
	h.cuts = append(h.cuts, [2]int{begin, end})
}

// rest is raw without what is cut.
func (h *hiding) rest() []byte {
	if len(h.cuts) == 0 {
		return h.raw
	}
	slices.SortFunc(h.cuts, func(x, y [2]int) int { return x[0] - y[0] })
	rest, at := make([]byte, 0, len(h.raw)), 0
	for _, c := range h.cuts {
		rest = append(rest, h.raw[at:c[0]]...)
		at = c[1]
	}
	return append(rest, h.raw[at:]...)
}

// takesAnyField reports whether a value of type t, the data of an event, keeps fields that
// t does not name: a map does, and so may what decodes itself. A struct gets the fields
// that it asks for.
func takesAnyField(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if failed, ok := reflect.TypeAssert[interface{ eventData() reflect.Type }](reflect.Zero(t)); ok {
		return takesAnyField(failed.eventData())
	}
	return t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler)
}

// hideFrom is hide for what a step has waited for, an event that t is the type of.
func (f eventFields) hideFrom(t reflect.Type, raw json.RawMessage) json.RawMessage {
	if data, ok := t.FieldByName("Data"); ok && takesAnyField(data.Type) {
		return f.hide(raw)
	}
	return raw
}
