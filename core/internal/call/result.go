package call

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/codec"
	"github.com/inngestkit/inngestkit/core/internal/datacheck"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// maxOutputBytes is the size of a step's result, as JSON, above which the server
// fails the run: MaxStepOutputSize in its pkg/consts, less what it wraps it in.
const maxOutputBytes = 4<<20 - len(`{"data":}`)

var null = json.RawMessage("null")

// memoizable returns the callback of the step name. It does not run fn if no result of type T
// could be decoded again, because its work would be lost.
func memoizable[T any](c codec.Codec, name string, fn func(ctx context.Context) (T, error)) Callback {
	return func(ctx context.Context) (any, error) {
		facts := jsontype.Of(reflect.TypeFor[T]())
		if reason := cmp.Or(facts.Encoding, facts.Empty, facts.Lost, facts.Decoding); reason != "" {
			return nil, sdkerrors.NoRetryError(fmt.Errorf(
				"step %q was not run: its result, of Go type %v, could not be kept as JSON: %s",
				name, reflect.TypeFor[T](), reason))
		}
		value, err := fn(ctx)
		if err == nil && facts.Doubtful {
			err = checkDecodes(c, name, value)
		}
		return value, err
	}
}

// checkDecodes returns an error that is not retried if value, once encoded, cannot be
// decoded. It ignores a value that cannot be encoded, which encode refuses.
func checkDecodes[T any](c codec.Codec, name string, value T) error {
	raw, err := c.Marshal(value)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	var again T
	if err := c.Unmarshal(raw, &again); err != nil {
		return sdkerrors.NoRetryError(MisfitStep(name, again, err))
	}
	return nil
}

// checkType aborts the call, without a retry, if no result of the step name can be decoded
// into T.
func checkType[T any](c *Call, name string) {
	if reason := jsontype.Of(reflect.TypeFor[T]()).Decoding; reason != "" {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q cannot return Go type %v: %s", name, reflect.TypeFor[T](), reason)))
	}
}

// encode encodes the result of a step, and refuses one that the server would not keep.
func (c *Call) encode(ctx context.Context, id ID, end StepEnd) (json.RawMessage, error) {
	raw, err := c.Codec.Marshal(end.Output)
	switch {
	case err != nil:
		raw, err = nil, sdkerrors.NoRetryError(fmt.Errorf(
			"the result of step %q cannot be kept, because it is not JSON: %w", id.Name, err))
	case len(raw) > maxOutputBytes:
		err = sdkerrors.NoRetryError(fmt.Errorf(
			"the result of step %q has %d bytes as JSON, and at most %d are kept; "+
				"keep large data elsewhere and return a reference",
			id.Name, len(raw), maxOutputBytes))
		raw = nil
	default:
		if err = c.CheckIntegers(ctx, "the result of step", id.Name, raw); err != nil {
			raw = nil
		}
	}
	if end.Err != nil && isZero(end.Output) {
		return nil, end.Err
	}
	if end.Err != nil {
		return raw, end.Err
	}
	return raw, err
}

// isZero reports whether a step returned nothing but an error. Null stands for that: it
// decodes to the same value, and no middleware has to restore it.
func isZero(value any) bool { return value == nil || reflect.ValueOf(value).IsZero() }

// CheckIntegers returns an error that is not retried if raw has an integer that the server
// would round, and the app refuses those. The error calls raw by what and name.
func (c *Call) CheckIntegers(ctx context.Context, what, name string, raw []byte) error {
	err := c.Checker.Check(ctx, datacheck.Place{What: what, Name: name, Function: c.FunctionID}, raw)
	if err != nil {
		return sdkerrors.NoRetryError(err)
	}
	return nil
}

// withoutStepError returns err without the error of another step in its chain. The SDK
// takes such an error for one that the function did not handle, and fails the call.
func withoutStepError(err error) error {
	if !sdkerrors.IsStepError(err) {
		return err
	}
	own := errors.New(err.Error())
	switch at := sdkerrors.GetRetryAtTime(err); {
	case sdkerrors.IsNoRetryError(err):
		return sdkerrors.NoRetryError(own)
	case at != nil:
		return sdkerrors.RetryAtError(own, *at)
	default:
		return own
	}
}

// failed returns what a failed step returned with its final error, as the middleware
// restores it, and the error. If the value cannot be restored or decoded, it returns the
// error joined with the reason.
func failed[T any](ctx context.Context, c *Call, id ID, raw json.RawMessage, failure error) (value T, err error) {
	if hasNoValue(raw) {
		return value, failure // the middleware had nothing to change
	}
	if raw, err = c.Hooks.RestoreResult(ctx, id, raw); err != nil {
		return value, errors.Join(withData(failure, nil), notRestored(id.Name, err))
	}
	return withValue[T](c.Codec, id.Name, raw, withData(failure, raw))
}

// withValue decodes raw, which the failed step name returned with failure.
func withValue[T any](c codec.Codec, name string, raw json.RawMessage, failure error) (value T, err error) {
	if hasNoValue(raw) {
		return value, failure
	}
	decoded, err := codec.Decode[T](c, raw)
	if err != nil {
		return value, errors.Join(failure, MisfitStep(name, value, err))
	}
	return decoded, failure
}

func hasNoValue(raw json.RawMessage) bool { return len(raw) == 0 || bytes.Equal(raw, null) }

func notRestored(name string, err error) error {
	return fmt.Errorf("the memoized result of step %q could not be restored: %w", name, err)
}

// withData returns the error of a step with other data. The SDK's error has the data as
// the server keeps it.
func withData(err error, data json.RawMessage) error {
	failed, ok := err.(sdkerrors.StepError) //nolint:errorlint // as the SDK returns it
	if !ok {
		return err
	}
	failed.Data = data
	return failed
}
