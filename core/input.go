package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inngest/inngestgo"
	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// decodeInput decodes the event once, from the bytes the server sent. Events
// holds the same value again unless the run was triggered by a batch.
// Hidden are the fields of middleware that it does not get.
func decodeInput[T any](c *FunctionCall, inputCtx InputCtx, hidden eventFields) (Input[T], error) {
	in := Input[T]{InputCtx: inputCtx}
	event, events := c.call.Event, c.call.Events
	if isBatch(event, events) {
		if err := json.Unmarshal(hidden.hide(events), &in.Events); err != nil {
			return in, eventError(c.FunctionID, err)
		}
		in.Event = in.Events[0]
		return in, nil
	}
	if err := json.Unmarshal(hidden.hide(event), &in.Event); err != nil {
		return in, eventError(c.FunctionID, err)
	}
	in.Events = []Event[T]{in.Event}
	return in, nil
}

// decodeRaw decodes the events but for their data, whose bytes are those the server
// sent: middleware may look at each call's events, and data may be large.
func (c *FunctionCall) decodeRaw() ([]RawEvent, error) {
	if !isBatch(c.call.Event, c.call.Events) {
		event, err := decodeRawEvent(c.call.Event)
		if err != nil {
			return nil, eventError(c.FunctionID, err)
		}
		return []RawEvent{event}, nil
	}
	var events []RawEvent
	var err error
	gjson.ParseBytes(c.call.Events).ForEach(func(_, value gjson.Result) bool {
		var event RawEvent
		event, err = decodeRawEvent(c.call.Events[value.Index : value.Index+len(value.Raw)])
		events = append(events, event)
		return err == nil
	})
	if err != nil {
		return nil, eventError(c.FunctionID, err)
	}
	return events, nil
}

var errDataTwice = errors.New(`it has "data" twice`)

// decodeRawEvent cuts the data out, and has encoding/json decode the rest. It refuses
// data that comes twice, from which encoding/json would make something else for the
// function; no server sends that, and none signs it.
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

// decodeDigits decodes JSON and keeps all digits of numbers, those of the event's user
// for one.
func decodeDigits(raw []byte, event *RawEvent) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(event)
}

// isBatch reports whether events is a JSON array with anything but event in it.
// The server always sends both, and for a single event the same bytes twice.
func isBatch(event, events []byte) bool {
	if len(events) < 2 || events[0] != '[' {
		return false
	}
	inner := bytes.TrimSpace(events[1 : len(events)-1])
	return len(inner) > 0 && !bytes.Equal(inner, event)
}

// eventError says that the event does not fit the function's type. Trying again
// would not help, so it is not retried.
func eventError(functionID string, err error) error {
	return inngestgo.NoRetryError(call.Misfit(fmt.Sprintf("the event does not fit the type of function %q", functionID), err))
}
