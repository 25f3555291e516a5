// Package codec encodes and decodes the data of functions: events, results of steps, outputs.
package codec

import (
	"encoding/json"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/inngestkit/inngestkit/core/internal/jsontype"
	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// JSON is a JSON encoder and decoder.
type JSON interface {
	Marshal(value any) ([]byte, error)
	Unmarshal(data []byte, into any) error
}

// A Codec encodes and decodes with JSON, or with encoding/json if that is nil.
type Codec struct{ JSON JSON }

var errInvalid = errors.New("what Config.JSON returned is not valid JSON")

// Marshal returns value as JSON, and calls methods with pointer receivers, as decoding does.
// It converts a panic into an error.
func (c Codec) Marshal(value any) (json.RawMessage, error) {
	value = jsontype.Addressed(value)
	if c.JSON == nil {
		return safe.Marshal(value, json.Marshal)
	}
	raw, err := safe.Marshal(value, c.JSON.Marshal)
	if err != nil {
		return nil, err
	}
	if !valid(raw) {
		return nil, errInvalid
	}
	return raw, nil
}

// valid reports whether raw is one JSON value, as encoding/json judges it.
func valid(raw jsontext.Value) bool {
	return raw.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Unmarshal decodes raw into what into points to.
func (c Codec) Unmarshal(raw []byte, into any) error {
	if c.JSON == nil {
		return json.Unmarshal(raw, into)
	}
	return c.JSON.Unmarshal(raw, into)
}

// Decode decodes raw into a T. The zero value stands for no JSON at all.
func Decode[T any](c Codec, raw json.RawMessage) (value T, err error) {
	if len(raw) > 0 {
		err = c.Unmarshal(raw, &value)
	}
	return value, err
}
