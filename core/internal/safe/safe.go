// Package safe calls user code, such as MarshalJSON, Error and the handler of a logger,
// where a panic must not escape.
package safe

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
)

// Sprint is fmt.Sprint for any value. fmt.Sprint itself panics if printing a value
// panics with a value that cannot be printed either.
func Sprint(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a value of type %T that cannot be printed", value)
		}
	}()
	return fmt.Sprint(value)
}

// Format prints a value as text, or as goText for %#v. It is for the method Format of values
// with secrets: fmt prints the fields of a value whose methods do not know the verb.
func Format(state fmt.State, verb rune, text, goText string) {
	switch {
	case verb == 'v' && state.Flag('#'):
		_, _ = io.WriteString(state, goText)
	case verb == 'v':
		_, _ = fmt.Fprintf(state, fmt.FormatString(state, 's'), text)
	default:
		_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), text)
	}
}

// Marshal returns what encode makes of value. It converts a panic, such as one of a MarshalJSON
// or MarshalText, into an error that names the type of value.
func Marshal(value any, encode func(any) ([]byte, error)) (raw []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			raw, err = nil, &panicError{fmt.Sprintf("encoding %T panicked: %s", value, Sprint(r)), debug.Stack()}
		}
	}()
	raw, err = encode(value)
	if err != nil {
		return nil, Sound(fmt.Sprintf("encoding %T", value), err)
	}
	return raw, nil
}

// panicError is a panic of a method that encodes a value.
type panicError struct {
	message string
	stack   []byte
}

func (p *panicError) Error() string { return p.message }

// Stack returns the stack of the panic that Marshal converted into err, "" if err has
// another cause.
func Stack(err error) string {
	if p, ok := errors.AsType[*panicError](err); ok {
		return string(p.stack)
	}
	return ""
}
