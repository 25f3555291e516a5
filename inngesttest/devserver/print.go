package devserver

import (
	"fmt"
	"io"
	"strings"
)

// String returns the fields, without keys and without the values of Env.
func (c Config) String() string {
	type printable Config // without methods
	for _, key := range []*string{&c.SigningKey, &c.EventKey} {
		if *key != "" {
			*key = "(set)"
		}
	}
	names := make([]string, len(c.Env))
	for i, variable := range c.Env {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	c.Env = names
	return fmt.Sprintf("%+v", printable(c))
}

// Format implements [fmt.Formatter]. It prints the same as String, whatever the verb.
func (c Config) Format(state fmt.State, verb rune) { format(state, verb, c.String()) }

// MarshalText returns the same as String, for JSON and other encodings.
func (c Config) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// String returns the version and the URL of the server.
func (s *Server) String() string { return fmt.Sprintf("%s at %s", s.binary, s.URL()) }

// Format implements [fmt.Formatter]. It prints the same as String, whatever the verb.
func (s *Server) Format(state fmt.State, verb rune) { format(state, verb, s.String()) }

// format prints text for every verb: for one that does not know the methods, fmt prints the
// fields.
func format(state fmt.State, verb rune, text string) {
	if verb == 'v' {
		_, _ = io.WriteString(state, text)
		return
	}
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), text)
}
