package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MisfitStep returns the error for the memoized result of a step that does not fit the
// type of value.
func MisfitStep(name string, value any, err error) error {
	return Misfit(fmt.Sprintf("the memoized result of step %q does not fit its Go type %T", name, value), err)
}

// Misfit returns an error that says what does not fit its Go type, and why, from the err
// of encoding/json. It leaves the data out, except in the message of a type's own
// UnmarshalJSON.
func Misfit(what string, err error) error {
	var mismatch *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &mismatch):
		// Its own message may have the value.
		kind, _, _ := strings.Cut(mismatch.Value, " ")
		if mismatch.Field == "" {
			return fmt.Errorf("%s: it is a JSON %s where Go has %s", what, kind, mismatch.Type)
		}
		return fmt.Errorf("%s: field %q is a JSON %s where Go has %s", what, mismatch.Field, kind, mismatch.Type)
	case errors.As(err, &syntax):
		return fmt.Errorf("%s: %w", what, err)
	default:
		return &misfit{what, err}
	}
}

// misfit is an error of a type's own UnmarshalJSON, whose message may contain the data. It
// implements inngestkit.DataError.
type misfit struct {
	what string
	err  error
}

// Error returns the whole message.
func (m *misfit) Error() string { return m.what + ": " + m.err.Error() }

// Unwrap returns the error of the type.
func (m *misfit) Unwrap() error { return m.err }

// WithoutData returns the message without that of the type.
func (m *misfit) WithoutData() string { return m.what }
