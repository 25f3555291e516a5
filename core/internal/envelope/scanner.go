package envelope

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A scanner validates JSON and cuts it into its parts, in one pass. It accepts what
// encoding/json accepts, and 10,000 levels in each member of an object that whole reads, one
// more. After invalid JSON it stays where it is. The parts have no room for more behind them:
// what is appended to one does not overwrite the next.
type scanner struct {
	text    []byte
	start   int // of what the decoder reads
	decoder jsontext.Decoder
	err     error
}

func newScanner(text []byte) *scanner {
	s := &scanner{text: text}
	s.continueAt(0)
	return s
}

// continueAt continues at a position, where the scanner does not know what it is in.
func (s *scanner) continueAt(position int) {
	s.start = position
	s.decoder.Reset(bytes.NewBuffer(s.text[position:]), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// position returns where the last value or token ended.
func (s *scanner) position() int { return s.start + int(s.decoder.InputOffset()) }

// isObject reports whether the next value is an object.
func (s *scanner) isObject() bool {
	return s.err == nil && s.decoder.PeekKind() == jsontext.KindBeginObject
}

// value returns the next value, a part of the text.
func (s *scanner) value() []byte {
	if s.err != nil {
		return nil
	}
	var value jsontext.Value
	if value, s.err = s.decoder.ReadValue(); s.err != nil {
		return nil
	}
	end := s.position()
	return s.text[end-len(value) : end : end]
}

// arrayOf returns the next value if it is an array of one value, byte by byte, and nil if it
// is not. The value is not validated again.
func (s *scanner) arrayOf(value []byte) []byte {
	start := s.skipSpace(s.position())
	end := start + len(value) + len("[]")
	if s.err != nil || len(value) == 0 || end > len(s.text) || s.text[start] != '[' || s.text[end-1] != ']' ||
		!bytes.Equal(s.text[start+1:end-1], value) {
		return nil
	}
	s.continueAt(end)
	return s.text[start:end:end]
}

// members reads an object. It calls f with the key of each member, and f must read the value.
// It returns the object, a part of the text.
func (s *scanner) members(f func(key []byte)) []byte {
	s.token()
	start := s.position() - len("{")
	for s.err == nil && s.decoder.PeekKind() == jsontext.KindString {
		f(unquote(s.value()))
	}
	s.token()
	if s.err != nil {
		return nil
	}
	end := s.position()
	return s.text[start:end:end]
}

func (s *scanner) token() {
	if s.err == nil {
		_, s.err = s.decoder.ReadToken()
	}
}

var errSyntax = errors.New("not a JSON object")

// whole is members for an object that is the whole text. Here f may use arrayOf.
func (s *scanner) whole(f func(key []byte)) {
	next := s.skip('{', 0)
	if i := s.skipSpace(next); i < len(s.text) && s.text[i] == '}' {
		s.end(i + 1)
		return
	}
	for s.err == nil {
		s.continueAt(next)
		if s.decoder.PeekKind() != jsontext.KindString {
			s.err = errSyntax
			return
		}
		key := unquote(s.value())
		s.continueAt(s.skip(':', s.position()))
		f(key)
		end := s.skipSpace(s.position())
		if end < len(s.text) && s.text[end] == '}' {
			s.end(end + 1)
			return
		}
		next = s.skip(',', end)
	}
}

// skip returns the position after a byte that must come next.
func (s *scanner) skip(b byte, position int) int {
	position = s.skipSpace(position)
	if s.err == nil && (position == len(s.text) || s.text[position] != b) {
		s.err = errSyntax
	}
	return min(position+1, len(s.text))
}

// skipSpace returns the position after white space.
func (s *scanner) skipSpace(position int) int {
	for position < len(s.text) && strings.IndexByte(" \t\r\n", s.text[position]) >= 0 {
		position++
	}
	return position
}

// end requires that nothing but white space follows.
func (s *scanner) end(position int) {
	if s.err == nil && s.skipSpace(position) != len(s.text) {
		s.err = errSyntax
	}
}

// Valid reports whether text is JSON. It is faster than [encoding/json.Valid].
func Valid(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// unquote returns the text of a JSON string, a part of it if possible.
func unquote(quoted []byte) []byte {
	if len(quoted) < len(`""`) { // there was an error
		return nil
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted)
	return text
}
