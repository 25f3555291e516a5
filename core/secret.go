package inngestkit

import (
	"fmt"
	"log/slog"
)

// Secret is a string that is not printed: fmt, log/slog and encoding/json show
// only whether it is set. (fmt shows it all the same in a field that is not
// exported.)
type Secret string

// String returns "(set)" or "".
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// MarshalText is String, for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
