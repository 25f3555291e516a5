package step

import (
	"cmp"
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
	"github.com/inngestkit/inngestkit/core/internal/envelope"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// maxInvokeBytes is the size of a function's data, as JSON, above which the server
// refuses the response of the call: MaxSDKResponseBodySize in its pkg/consts, less 32 KiB
// for what wraps the data. The limit on the input of other steps does not apply
// (GeneratorOpcode.Input in its pkg/execution/state).
const maxInvokeBytes = 8<<20 - 32<<10

// Invocable is a function that takes T and returns R: an
// [inngestkit.TypedFunction], or an [inngestkit.Ref] to one.
type Invocable[T, R any] interface{ Ref() inngestkit.Ref[T, R] }

// InvokeOption is an option of [Invoke]: [Timeout]. The default is one year.
type InvokeOption interface{ applyInvoke(i *invoke) }

type invoke struct{ timeout *time.Duration }

var (
	errNoAppToInvoke = errors.New(
		"the context is not that of an app's function, so the app to invoke is unknown: use a Ref with an AppID")
	errNoFunctionToInvoke = errors.New("the function to invoke has no ID: set FunctionID of the Ref")
)

// Invoke runs another function with data as its event's data, and returns its output.
// If the function fails, or does not end within the [Timeout], Invoke returns an [Error].
// The server does not retry the step, because the function has retries itself. At the
// timeout the error is also [ErrTimeout], and the function continues to run.
//
// The compiler checks the types of data and of the output. A function passed as a value
// must be registered with the same app, or the run fails. To invoke a function of another
// app, or one whose value you cannot reach, pass an [inngestkit.Ref] with its IDs and types.
//
// The data has at most 8160 KiB as JSON. The server sends all of it to the function, so
// for data above 4 MiB, raise the limits of the other app: its Config.MaxBodyBytes and
// those of any proxy.
func Invoke[T, R any](
	ctx context.Context, id string, function Invocable[T, R], data T, options ...InvokeOption,
) (R, error) {
	var i invoke
	for _, o := range options {
		o.applyInvoke(&i)
	}
	begin := func(ctx context.Context, callID call.ID) (json.RawMessage, error) {
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
		if err := ask(ctx, c, opts); err != nil {
			return nil, err
		}
		raw, err := sdkstep.Invoke[json.RawMessage](ctx, id, opts)
		if err != nil {
			err = sdkerrors.NoRetryError(invokeError(memoized(c, callID), err.Error()))
		}
		return raw, err
	}
	return call.Wait[R](ctx, call.Waiting{Kind: call.InvokeFunction, Name: id, Begin: begin, Kept: keptOutput})
}

// keptOutput returns the memoized output of an invoked function, or its error.
func keptOutput(c *call.Call, id call.ID, r *envelope.Result) (json.RawMessage, error) {
	if r.Data == nil && r.Error == nil {
		c.Abort(fmt.Errorf("the memoized result of step %q has neither data nor an error", id.Name))
	}
	if r.Data == nil {
		return nil, sdkerrors.NoRetryError(invokeError(r, ""))
	}
	return r.Data, nil
}

// compositeID returns the ID by which the server knows a function.
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

// invokeTimedOut is the name of the server's error for a function that did not end within
// the timeout (SdkInvokeTimeoutError in its pkg/execution).
const invokeTimedOut = "InngestInvokeTimeoutError"

// invokeError returns the whole error that an invoked function ended with. The SDK's
// error has only the message.
func invokeError(r *envelope.Result, message string) error {
	failed := Error{Data: json.RawMessage("null")} // servers leave the data out
	if r == nil || json.Unmarshal(r.Error, &failed) != nil || failed.Message == "" {
		return Error{Name: "Error", Message: message}
	}
	if failed.Name == invokeTimedOut {
		return invokeTimeoutError{failed}
	}
	return failed
}

// memoized returns the memoized result of a step, nil if it has none or is outside a call.
func memoized(c *call.Call, id call.ID) *envelope.Result {
	if c == nil {
		return nil
	}
	return c.Replay.Result(id)
}

// invokeTimeoutError is the error of a function that did not end within the timeout.
type invokeTimeoutError struct{ failed Error }

// Error returns the server's message.
func (e invokeTimeoutError) Error() string { return e.failed.Error() }

// Unwrap returns the Error and ErrTimeout.
func (e invokeTimeoutError) Unwrap() []error { return []error{e.failed, ErrTimeout} }

// invokeData returns data, changed by the middleware, as the object that the SDK takes. Its
// values stay encoded.
func invokeData[T any](ctx context.Context, c *call.Call, id call.ID, data T) (map[string]any, error) {
	facts := jsontype.Of(reflect.TypeFor[T]())
	if reason := cmp.Or(facts.Empty, facts.Lost); reason != "" {
		return nil, errors.New(reason)
	}
	raw, err := codecOf(c).Marshal(data)
	if err != nil {
		return nil, err
	}
	if c != nil && memoized(c, id) == nil {
		if raw, err = newInvokeData(ctx, c, id, raw); err != nil {
			return nil, err
		}
	}
	if len(raw) > maxInvokeBytes {
		return nil, fmt.Errorf("it has %d bytes as JSON, and the limit is %d; keep large data elsewhere and send a reference",
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

// newInvokeData returns what the middleware makes of data that was not sent before.
func newInvokeData(ctx context.Context, c *call.Call, id call.ID, raw json.RawMessage) (json.RawMessage, error) {
	raw, err := c.Hooks.InvokeData(ctx, id, raw)
	if err != nil {
		return nil, err
	}
	return raw, c.CheckIntegers(ctx, "the data of step", id.Name, raw)
}
