package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MisfitStep says that the kept result of a step does not fit value, into which it
// was to be decoded.
func MisfitStep(name string, value any, err error) error {
	return Misfit(fmt.Sprintf("the kept result of step %q does not fit its Go type %T", name, value), err)
}

// Misfit says what does not fit, and why.
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

// misfit is an error of the type's own UnmarshalJSON, whose message may have the data.
type misfit struct {
	what string
	err  error
}

// Error implements error.
func (m *misfit) Error() string { return m.what + ": " + m.err.Error() }

// Unwrap is the error of the type.
func (m *misfit) Unwrap() error { return m.err }

// WithoutData is the message for those who must not see data, as telemetry.
func (m *misfit) WithoutData() string { return m.what }
