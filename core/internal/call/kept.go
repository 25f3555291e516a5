package call

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// kept is the callback of the step name, which is not run if nothing that it returns
// could be had again: its work would be done, and lost.
func kept[T any](name string, fn func(ctx context.Context) (T, error)) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		facts := jsontype.Of(reflect.TypeFor[T]())
		if reason := cmp.Or(facts.Encoding, facts.Empty, facts.Decoding); reason != "" {
			return nil, sdkerrors.NoRetryError(fmt.Errorf(
				"step %q was not run: its result, of Go type %v, could not be kept as JSON: %s",
				name, reflect.TypeFor[T](), reason))
		}
		value, err := fn(ctx)
		if err == nil && facts.Doubtful {
			err = checkDecodes(name, value)
		}
		return value, err
	}
}

// checkDecodes returns an error that is not retried if value cannot be decoded again. One
// that cannot be encoded is left to others.
func checkDecodes[T any](name string, value T) error {
	raw, err := jsontype.Marshal(value)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	var again T
	if err := json.Unmarshal(raw, &again); err != nil {
		return sdkerrors.NoRetryError(MisfitStep(name, again, err))
	}
	return nil
}

// checkType ends the call, for good, if nothing that the step name gets can be decoded
// into T.
func checkType[T any](c *Call, name string) {
	if reason := jsontype.Of(reflect.TypeFor[T]()).Decoding; reason != "" {
		c.Abort(sdkerrors.NoRetryError(fmt.Errorf(
			"step %q cannot return Go type %v: %s", name, reflect.TypeFor[T](), reason)))
	}
}
