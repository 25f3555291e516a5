package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/inngest/inngestgo"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Function is a durable function: an ID, triggers, options and a handler. It is
// a plain value that does nothing until it is given to [App.Register].
type Function struct {
	id       string
	triggers []trigger
	options  []Option
	data     reflect.Type
	// invoke decodes the event and calls the handler; nil if there is no handler.
	invoke func(ctx context.Context, c *call.Call, in InputCtx) (any, error)
}

// ID is the ID of the function within its app.
func (f Function) ID() string { return f.id }

// OnEvent returns the function id, which runs handler for every event that
// trigger names. The server retries a run whose handler or step returns an
// error, 4 times unless flow.Retries says otherwise.
//
// The handler is called several times in a run, once for each step that has to
// wait or to run: code outside of steps has to be repeatable.
func OnEvent[T, R any](
	id string,
	trigger Trigger[T],
	handler func(ctx context.Context, in Input[T]) (R, error),
	options ...Option,
) Function {
	f := newFunction(id, handler, options)
	if trigger != nil {
		var zero T
		f.triggers = trigger.triggers(zero)
	}
	return f
}

// OnCron returns the function id, which runs handler on schedule: five fields
// (minute, hour, day, month, weekday) in UTC, or in another time
// zone with a prefix as in "TZ=Europe/Paris 0 9 * * *". The data of the event is
// {"cron": schedule}, so handlers usually take Input[any].
func OnCron[T, R any](
	id, schedule string,
	handler func(ctx context.Context, in Input[T]) (R, error),
	options ...Option,
) Function {
	f := newFunction(id, handler, options)
	f.triggers = []trigger{{cron: schedule, isCron: true}}
	return f
}

func newFunction[T, R any](id string, handler func(context.Context, Input[T]) (R, error), options []Option) Function {
	f := Function{id: id, options: slices.Clone(options), data: reflect.TypeFor[T]()}
	if handler != nil {
		f.invoke = func(ctx context.Context, c *call.Call, inputCtx InputCtx) (any, error) {
			in, err := decodeInput[T](c, inputCtx)
			if err != nil {
				return nil, err
			}
			return handler(ctx, in)
		}
	}
	return f
}

// decodeInput decodes the event once, from the bytes the server sent. Events
// holds the same value again unless the run was triggered by a batch.
func decodeInput[T any](c *call.Call, inputCtx InputCtx) (Input[T], error) {
	in := Input[T]{InputCtx: inputCtx}
	if isBatch(c.Event, c.Events) {
		if err := json.Unmarshal(c.Events, &in.Events); err != nil {
			return in, eventError(c, err)
		}
		in.Event = in.Events[0]
		return in, nil
	}
	if err := json.Unmarshal(c.Event, &in.Event); err != nil {
		return in, eventError(c, err)
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
func eventError(c *call.Call, err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) && mismatch.Field != "" {
		err = fmt.Errorf("field %q is a JSON %s where Go has %s", mismatch.Field, mismatch.Value, mismatch.Type)
	}
	return inngestgo.NoRetryError(fmt.Errorf("the event does not fit the type of function %q: %w", c.FunctionID, err))
}
