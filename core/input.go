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

// decodeInput decodes the event once, from the bytes that the server sent. Events has the
// same value again unless a batch triggered the run. The function does not get the fields
// hidden, which middleware has added.
func decodeInput[T any](c *FunctionCall, inputCtx InputCtx, hidden eventFields) (Input[T], error) {
	in := Input[T]{InputCtx: inputCtx}
	if isBatch(c.event, c.batch) {
		if err := json.Unmarshal(hidden.hide(c.batch), &in.Events); err != nil {
			return in, eventError(c.FunctionID, err)
		}
		in.Event = in.Events[0]
		return in, nil
	}
	if err := json.Unmarshal(hidden.hide(c.event), &in.Event); err != nil {
		return in, eventError(c.FunctionID, err)
	}
	in.Events = []Event[T]{in.Event}
	return in, nil
}

// decodeRaw decodes the events without their data, whose bytes stay as the server sent
// them: middleware may read the events of each call, and data may be large.
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
// event with two data members, of which the function could get the other one. No server
// sends or signs such an event.
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

// decodeDigits decodes JSON and keeps all digits of numbers, for example those of the
// event's user.
func decodeDigits(raw []byte, event *RawEvent) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(event)
}

// isBatch reports whether events is a JSON array that has anything but event in it. The
// server always sends both, and for a single event the same bytes twice.
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
