package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// maxInvokeBytes is the size of the data for a function, as JSON, above which the
// server does not take the call's answer: MaxSDKResponseBodySize in its pkg/consts,
// less what the data is wrapped in. What limits the input of other steps does not
// hold here (GeneratorOpcode.Input in its pkg/execution/state).
const maxInvokeBytes = 8<<20 - 32<<10

// Invocable is a function that takes T and returns R: an
// [inngestkit.TypedFunction], or an [inngestkit.Ref] to one.
type Invocable[T, R any] interface{ Ref() inngestkit.Ref[T, R] }

// InvokeOption is an option of [Invoke]: a [Timeout], which by default is a year.
type InvokeOption interface{ applyInvoke(i *invoke) }

type invoke struct{ timeout *time.Duration }

var (
	errNoAppToInvoke = errors.New(
		"the context belongs to no function of an app, so what to invoke needs a Ref with an AppID")
	errNoFunctionToInvoke = errors.New("the function to invoke has no ID; give Ref a FunctionID")
)

// Invoke runs another function, with an event that carries data, and returns its
// output. If it fails, or does not end in time, Invoke returns an [Error], which is
// not retried: the function that was invoked has been. If it did not end in time,
// the error is [ErrTimeout] too, and the function goes on.
//
// The types of function and data are checked by the compiler. The value of a function
// stands for one that is registered with the app of the caller; any other value fails
// the run. Of a function in another app, or one whose value is out of reach,
// [inngestkit.Ref] gives the IDs and the types.
//
// The data has at most 8160 KiB as JSON. The server calls the function with all of
// it, so data above 4 MiB needs room in what is in front of the other app, and in its
// Config.MaxBodyBytes.
func Invoke[T, R any](
	ctx context.Context, id string, function Invocable[T, R], data T, options ...InvokeOption,
) (R, error) {
	var i invoke
	for _, o := range options {
		o.applyInvoke(&i)
	}
	return call.Wait[R](ctx, call.InvokeFunction, id, func(callID call.ID) (json.RawMessage, error) {
		c := call.From(ctx)
		functionID, err := compositeID(ctx, function.Ref())
		if err == nil && c != nil {
			err = c.Hooks.CheckInvocable(function)
		}
		if err != nil {
			return nil, abort(c, fmt.Errorf("step %q: %w", id, err))
		}
		opts := sdkstep.InvokeOpts{FunctionId: functionID}
		if i.timeout != nil {
			opts.Timeout = *i.timeout
			if err := checkTimeout(c, id, "function "+functionID, opts.Timeout); err != nil {
				return nil, err
			}
		}
		if opts.Data, err = invokeData(ctx, c, callID, data); err != nil {
			return nil, abort(c, fmt.Errorf("step %q: the data for function %s: %w", id, functionID, err))
		}
		raw, err := sdkstep.Invoke[json.RawMessage](ctx, id, opts)
		if err != nil {
			err = sdkerrors.NoRetryError(invokeError(c, callID, err))
		}
		return raw, err
	})
}

// compositeID is the ID by which the server knows a function.
func compositeID[T, R any](ctx context.Context, ref inngestkit.Ref[T, R]) (string, error) {
	if ref.AppID == "" {
		app := inngestkit.FromContext(ctx)
		if app == nil {
			return "", errNoAppToInvoke
		}
		ref.AppID = app.ID()
	}
	if ref.FunctionID == "" {
		return "", errNoFunctionToInvoke
	}
	return ref.AppID + "-" + ref.FunctionID, nil
}

// invokeTimedOut is the name of the server's error for a function that did not end
// in time (SdkInvokeTimeoutError in its pkg/execution).
const invokeTimedOut = "InngestInvokeTimeoutError"

// invokeError is the whole of the error that an invoked function ended with. The
// SDK's has the message alone.
func invokeError(c *call.Call, id call.ID, err error) error {
	var kept struct {
		Error Error `json:"error"`
	}
	if c == nil || json.Unmarshal(c.Replay.Result(id), &kept) != nil || kept.Error.Message == "" {
		return Error{Name: "Error", Message: err.Error()}
	}
	if kept.Error.Name == invokeTimedOut {
		return invokeTimeoutError{kept.Error}
	}
	return kept.Error
}

// invokeTimeoutError is the error of a function that did not end in time. It is
// ErrTimeout too.
type invokeTimeoutError struct{ failed Error }

// Error is the server's message.
func (e invokeTimeoutError) Error() string { return e.failed.Error() }

// Unwrap makes it both.
func (e invokeTimeoutError) Unwrap() []error { return []error{e.failed, ErrTimeout} }

// invokeData is data as the object that the SDK wants, with its values left as they
// are encoded, as the middleware has it.
func invokeData[T any](ctx context.Context, c *call.Call, id call.ID, data T) (map[string]any, error) {
	if reason := jsontype.Of(reflect.TypeFor[T]()).Empty; reason != "" {
		return nil, errors.New(reason)
	}
	raw, err := jsontype.Marshal(data)
	if err != nil {
		return nil, err
	}
	if c != nil && len(c.Replay.Result(id)) == 0 {
		if raw, err = newInvokeData(ctx, c, id, raw); err != nil {
			return nil, err
		}
	}
	if len(raw) > maxInvokeBytes {
		return nil, fmt.Errorf("it has %d bytes as JSON, and at most %d are sent; keep large data elsewhere and send a reference",
			len(raw), maxInvokeBytes)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, errors.New("it is not a JSON object; use a struct or a map")
	}
	object := make(map[string]any, len(values))
	for key, value := range values {
		object[key] = value
	}
	return object, nil
}

// newInvokeData is data that is not sent yet, as the middleware has it.
func newInvokeData(ctx context.Context, c *call.Call, id call.ID, raw json.RawMessage) (json.RawMessage, error) {
	raw, err := c.Hooks.InvokeData(ctx, id, raw)
	if err != nil {
		return nil, err
	}
	return raw, c.CheckIntegers(ctx, "the data of step", id.Name, raw)
}
