package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"

	sdkerrors "github.com/inngest/inngestgo/errors"
)

// beside returns what a step has returned besides its final error, as the middleware gives
// it, and the error. A value that cannot be had does not keep the function from handling
// the error: the reason is added to it.
func beside[T any](ctx context.Context, c *Call, id ID, raw json.RawMessage, failed error) (value T, err error) {
	if len(raw) == 0 || bytes.Equal(raw, null) {
		return value, failed // there was none, so the middleware had none to change
	}
	if c.Restore != nil {
		if raw, err = c.Restore(ctx, id, raw); err != nil {
			return value, errors.Join(withData(failed, nil), notRestored(id, err))
		}
		failed = withData(failed, raw)
	}
	decoded, err := decode[T](raw)
	if err != nil {
		return value, errors.Join(failed, MisfitStep(id.Name, value, err))
	}
	return decoded, failed
}

// withData returns the error of a step with other data: the SDK's own has what the server
// kept.
func withData(err error, data json.RawMessage) error {
	failed, ok := err.(sdkerrors.StepError) //nolint:errorlint // as the SDK returns it
	if !ok {
		return err
	}
	failed.Data = data
	return failed
}

// isZero reports whether a step has returned nothing but an error. Null stands for that:
// it is decoded to the same, and no middleware has to restore it.
func isZero(value any) bool { return value == nil || reflect.ValueOf(value).IsZero() }
