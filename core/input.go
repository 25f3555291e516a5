package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/inngest/inngestgo"
)

// decodeInput decodes the event once, from the bytes the server sent. Events
// holds the same value again unless the run was triggered by a batch.
func decodeInput[T any](c *FunctionCall, inputCtx InputCtx) (Input[T], error) {
	in := Input[T]{InputCtx: inputCtx}
	event, events := c.call.Event, c.call.Events
	if isBatch(event, events) {
		if err := json.Unmarshal(events, &in.Events); err != nil {
			return in, eventError(c.FunctionID, err)
		}
		in.Event = in.Events[0]
		return in, nil
	}
	if err := json.Unmarshal(event, &in.Event); err != nil {
		return in, eventError(c.FunctionID, err)
	}
	in.Events = []Event[T]{in.Event}
	return in, nil
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
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) && mismatch.Field != "" {
		err = fmt.Errorf("field %q is a JSON %s where Go has %s", mismatch.Field, mismatch.Value, mismatch.Type)
	}
	return inngestgo.NoRetryError(fmt.Errorf("the event does not fit the type of function %q: %w", functionID, err))
}
