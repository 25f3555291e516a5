// Package safe calls what users have written, such as MarshalJSON and Error, where a
// panic must not get out.
package safe

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
)

// Sprint returns what fmt.Sprint does. That one lets a panic out if printing a value
// panics with a value that cannot be printed either.
func Sprint(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a value of type %T that cannot be printed", value)
		}
	}()
	return fmt.Sprint(value)
}

// Marshal returns value as JSON. A panic, of a MarshalJSON or MarshalText, becomes an
// error that names the type of value.
func Marshal(value any) (raw []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			raw, err = nil, &panicError{fmt.Sprintf("encoding %T panicked: %s", value, Sprint(r)), debug.Stack()}
		}
	}()
	raw, err = json.Marshal(value)
	if err != nil {
		return nil, Sound(fmt.Sprintf("encoding %T", value), err)
	}
	return raw, nil
}

// panicError is a panic of what encodes a value.
type panicError struct {
	message string
	stack   []byte
}

func (p *panicError) Error() string { return p.message }

// Stack returns the stack of the panic that an error of Marshal stands for, "" if
// there was none.
func Stack(err error) string {
	if p, ok := errors.AsType[*panicError](err); ok {
		return string(p.stack)
	}
	return ""
}
