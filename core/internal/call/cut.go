package call

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// MaxErrorBytes is the size of an error, its message and its data as JSON, above which the
// server refuses the error of a step and retries the step even if it must not be retried:
// MaxStepOutputSize in its pkg/consts, less what it wraps both in (GeneratorOpcode.Output in
// its pkg/execution/state).
const MaxErrorBytes = 4<<20 - len(`{"error":{"name":"Step failed","message":"","data":,"noRetry":true}}`)

// fit returns what a failed step returned, and its error, small enough for the server. It
// cuts the text of the error, and drops data that leaves less than half of the room for the
// text.
func fit(err error, data json.RawMessage) (json.RawMessage, error) {
	if data == nil {
		data = null // without data the SDK fails the function
	}
	room := MaxErrorBytes - len(data)
	message := err.Error()
	short := Cut(message, room)
	if short != message && room < MaxErrorBytes/2 {
		data = null
		short = Cut(message, MaxErrorBytes-len(data))
	}
	if short != message {
		err = &cutError{short, err}
	}
	return data, err
}

// cutError is an error whose text was cut.
type cutError struct {
	message string
	err     error
}

// Error implements error. It returns what is left of the text.
func (e *cutError) Error() string { return e.message }

// Unwrap returns the whole error, which also has the time of the retry.
func (e *cutError) Unwrap() error { return e.err }

// Cut returns text, shortened and with a note if it takes more than room bytes within a
// JSON string.
func Cut(text string, room int) string {
	if len(text)*len(`\u0000`) <= room {
		return text
	}
	note := fmt.Sprintf("… (cut, %d bytes)", len(text))
	size, end := 0, 0
	for i := 0; i < len(text); {
		if size+len(note) <= room {
			end = i
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		size += encodedSize(r, width)
		if size > room {
			return text[:end] + note
		}
		i += width
	}
	return text
}

// encodedSize returns how many bytes encoding/json needs for a rune in a string.
func encodedSize(r rune, width int) int {
	switch r {
	case '"', '\\', '\b', '\f', '\n', '\r', '\t':
		return len(`\n`)
	case '<', '>', '&', '\u2028', '\u2029':
		return len(`\u0000`)
	case utf8.RuneError:
		if width == 1 { // invalid UTF-8
			return len(`\u0000`)
		}
	}
	if r < ' ' {
		return len(`\u0000`)
	}
	return width
}
