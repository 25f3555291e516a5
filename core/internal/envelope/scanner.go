package envelope

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A scanner validates JSON and cuts it into its parts, in one pass. After invalid JSON it
// stays where it is, and ended reports false.
type scanner struct {
	text    []byte
	decoder *jsontext.Decoder
	err     error
}

// newScanner accepts what encoding/json accepts.
func newScanner(text []byte) *scanner {
	return &scanner{text: text, decoder: jsontext.NewDecoder(
		bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

// isObject reports whether the next value is an object.
func (s *scanner) isObject() bool {
	return s.err == nil && s.decoder.PeekKind() == jsontext.KindBeginObject
}

// value returns the next value, a part of the text.
func (s *scanner) value() []byte {
	if s.err != nil {
		return nil
	}
	value, err := s.decoder.ReadValue()
	if err != nil {
		s.err = err
		return nil
	}
	end := s.offset()
	return s.text[end-len(value) : end]
}

// members reads an object. It calls f with the key of each member, and f must read the value.
// It returns the object, a part of the text.
func (s *scanner) members(f func(key []byte)) []byte {
	s.token()
	start := s.offset() - len("{")
	for s.err == nil && s.decoder.PeekKind() == jsontext.KindString {
		f(unquote(s.value()))
	}
	s.token()
	if s.err != nil {
		return nil
	}
	return s.text[start:s.offset()]
}

func (s *scanner) token() {
	if s.err == nil {
		_, s.err = s.decoder.ReadToken()
	}
}

func (s *scanner) offset() int { return int(s.decoder.InputOffset()) }

// ended reports whether the text was valid, and nothing follows.
func (s *scanner) ended() bool {
	if s.err != nil {
		return false
	}
	_, err := s.decoder.ReadToken()
	return err == io.EOF //nolint:errorlint // as the decoder returns it
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
