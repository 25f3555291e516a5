package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/inngest/inngestgo"
	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// decodeInput decodes the input of a function from the bytes that the server sent, without
// the hidden fields, which middleware has added. Unless a batch triggered the run, the event
// is decoded once, and Events has the same value.
func decodeInput[T any](c *FunctionCall, inputCtx InputCtx, hidden eventFields) (Input[T], error) {
	in := Input[T]{InputCtx: inputCtx}
	if isBatch(c.event, c.batch) {
		if err := c.call.Codec.Unmarshal(hidden.hide(c.batch), &in.Events); err != nil {
			return in, eventError(c.FunctionID, err)
		}
		in.Event = in.Events[0]
		return in, nil
	}
	if err := c.call.Codec.Unmarshal(hidden.hide(c.event), &in.Event); err != nil {
		return in, eventError(c.FunctionID, err)
	}
	in.Events = []Event[T]{in.Event}
	return in, nil
}

// decodeRaw decodes the events, but leaves their data as the server sent it: middleware may
// read the events of each call, and data may be large.
func (c *FunctionCall) decodeRaw() ([]RawEvent, error) {
	if !isBatch(c.event, c.batch) {
		event, err := decodeRawEvent(c.event)
		if err != nil {
			return nil, eventError(c.FunctionID, err)
		}
		return []RawEvent{event}, nil
	}
	var events []RawEvent
	var err error
	gjson.ParseBytes(c.batch).ForEach(func(_, value gjson.Result) bool {
		var event RawEvent
		event, err = decodeRawEvent(c.batch[value.Index : value.Index+len(value.Raw)])
		events = append(events, event)
		return err == nil
	})
	if err != nil {
		return nil, eventError(c.FunctionID, err)
	}
	return events, nil
}

var errDataTwice = errors.New(`it has "data" twice`)

// decodeRawEvent cuts the data out and decodes the rest with encoding/json. It refuses an
// event with two data members, because middleware and the function could see different
// ones. No server sends or signs such an event.
func decodeRawEvent(raw []byte) (event RawEvent, err error) {
	var data gjson.Result
	found := 0
	gjson.ParseBytes(raw).ForEach(func(key, value gjson.Result) bool {
		if strings.EqualFold(key.Str, "data") { // as encoding/json compares
			data = value
			found++
		}
		return true
	})
	if found > 1 {
		return event, errDataTwice
	}
	if data.Index == 0 {
		return event, decodeDigits(raw, &event)
	}
	end := data.Index + len(data.Raw)
	err = decodeDigits(slices.Concat(raw[:data.Index], []byte("null"), raw[end:]), &event)
	event.Data = raw[data.Index:end:end]
	return event, err
}

// decodeDigits decodes an event and keeps all digits of numbers, for example in its user.
func decodeDigits(raw []byte, event *RawEvent) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(event)
}

// isBatch reports whether the JSON array events contains anything but event. The server
// always sends both, and for a single event the same bytes twice.
func isBatch(event, events []byte) bool {
	if len(events) < 2 || events[0] != '[' {
		return false
	}
	inner := bytes.TrimSpace(events[1 : len(events)-1])
	return len(inner) > 0 && !bytes.Equal(inner, event)
}

// eventError returns the error of an event that does not fit the function's type. It is not
// retried, because a retry gets the same event.
func eventError(functionID string, err error) error {
	return inngestgo.NoRetryError(call.Misfit(fmt.Sprintf("the event does not fit the type of function %q", functionID), err))
}

// eventFields are the names of the fields that middleware adds to events for its own use.
type eventFields []string

// hide returns raw, an event or an array of events, without the fields. It copies raw only
// if there is something to remove.
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

// hiding finds and removes the fields in raw.
type hiding struct {
	fields eventFields
	raw    []byte
	cuts   [][2]int // the beginnings and ends of what is removed
}

func (h *hiding) each(events gjson.Result) {
	events.ForEach(func(_, event gjson.Result) bool {
		h.event(event)
		return true
	})
}

// event finds the fields in the data of an event. An event of the server about a run
// contains the run's events, which event also searches.
func (h *hiding) event(event gjson.Result) {
	data := event.Get("data")
	if !data.IsObject() {
		return
	}
	first := true // no member before this one stays
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

// cut records a member to remove, together with the comma before it, or for the first member
// with the one after it.
func (h *hiding) cut(begin, end int, first bool) {
	const space = " \t\r\n"
	if behind := bytes.TrimLeft(h.raw[end:], space); !first {
		begin = bytes.LastIndexByte(h.raw[:begin], ',')
	} else if bytes.HasPrefix(behind, []byte(",")) {
		end = len(h.raw) - len(behind) + 1
	}
	h.cuts = append(h.cuts, [2]int{begin, end})
}

// rest returns raw without the cuts.
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

// takesAnyField reports whether event data decoded into type t may keep fields that t does
// not name: maps do, and types with an UnmarshalJSON method may. A struct gets only the
// fields that it declares.
func takesAnyField(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if failed, ok := reflect.TypeAssert[interface{ eventData() reflect.Type }](reflect.Zero(t)); ok {
		return takesAnyField(failed.eventData())
	}
	return t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(unmarshaler)
}

// hideFrom is hide for the event that a step has waited for and that is decoded into type t.
func (f eventFields) hideFrom(t reflect.Type, raw json.RawMessage) json.RawMessage {
	if data, ok := t.FieldByName("Data"); ok && takesAnyField(data.Type) {
		return f.hide(raw)
	}
	return raw
}
