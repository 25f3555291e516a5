package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Invocable is a function that takes T and returns R: an
// [inngestkit.TypedFunction], or an [inngestkit.Ref] to one.
type Invocable[T, R any] interface{ Ref() inngestkit.Ref[T, R] }

// InvokeOption is an option of [Invoke]: a [Timeout], which by default is a year.
type InvokeOption interface{ applyInvoke(i *invoke) }

type invoke struct{ timeout *time.Duration }

var errNoAppToInvoke = errors.New("the function to invoke has no app, and neither has the context; give Ref an AppID")

// Invoke runs another function, with an event that carries data, and returns its
// output. If it fails, or does not end in time, Invoke returns an [Error], which is
// not retried: the function that was invoked has been.
//
// The types of function and data are checked by the compiler. Of a function in
// another app, or one whose value is out of reach, [inngestkit.Ref] says them.
func Invoke[T, R any](
	ctx context.Context, id string, function Invocable[T, R], data T, options ...InvokeOption,
) (R, error) {
	var i invoke
	for _, o := range options {
		o.applyInvoke(&i)
	}
	return call.Wait[R](ctx, id, func() (json.RawMessage, error) {
		c := call.From(ctx)
		opts := sdkstep.InvokeOpts{FunctionId: compositeID(ctx, c, id, function.Ref())}
		if i.timeout != nil {
			checkTimeout(c, id, "function "+opts.FunctionId, *i.timeout)
			opts.Timeout = *i.timeout
		}
		var err error
		if opts.Data, err = asMap(data); err != nil {
			return nil, abort(c, fmt.Errorf("step %q: the data for function %s: %w", id, opts.FunctionId, err))
		}
		raw, err := sdkstep.Invoke[json.RawMessage](ctx, id, opts)
		if err != nil {
			err = sdkerrors.NoRetryError(Error{Name: "Error", Message: err.Error()})
		}
		return raw, err
	})
}

// compositeID is the ID by which the server knows a function.
func compositeID[T, R any](ctx context.Context, c *call.Call, id string, ref inngestkit.Ref[T, R]) string {
	if ref.AppID == "" {
		app := inngestkit.FromContext(ctx)
		if app == nil {
			_ = abort(c, fmt.Errorf("step %q: %w", id, errNoAppToInvoke))
			return ref.FunctionID
		}
		ref.AppID = app.ID()
	}
	return ref.AppID + "-" + ref.FunctionID
}

// asMap is data as the object that the SDK wants, with its values left as they are
// encoded.
func asMap(data any) (map[string]any, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, errors.New("it is no JSON object; use a struct or a map")
	}
	object := make(map[string]any, len(values))
	for key, value := range values {
		object[key] = value
	}
	return object, nil
}

// abort ends the call with err, for good. Outside of a call it returns err.
func abort(c *call.Call, err error) error {
	if c != nil {
		c.Abort(sdkerrors.NoRetryError(err))
	}
	return err
}
