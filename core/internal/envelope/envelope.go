// Package envelope parses the body of a call, completes it and writes it for the SDK.
package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Envelope is the body of a call by the server, split into its parts. The parts are
// slices of the body.
type Envelope struct {
	Event   []byte
	Events  []byte
	Steps   []byte  // the memoized results by step, a JSON object; nil if the body has none
	Results Results // the same, indexed
	Context []byte
	// RunID, Attempt and MaxAttempts are decoded from Context.
	RunID       string
	Attempt     int
	MaxAttempts int
	// UseAPI reports that the server left out Events and Steps; see FetchState.
	UseAPI bool

	stack span // the steps that have run, in Context
}

// A span is a part of a slice.
type span struct{ start, end int }

// ErrEmpty is returned for an empty body.
var ErrEmpty = errors.New("the body is empty; if the server sent one, a middleware in front of the endpoint has read it " +
	"and must put it back")

var (
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
	errNoParts   = errors.New(`the body has no "event" or no "ctx"`)
)

// Parse splits a body into its parts. It looks at each byte once.
func Parse(body []byte) (*Envelope, error) {
	if len(body) == 0 {
		return nil, ErrEmpty
	}
	s := newScanner(body)
	if !s.isObject() {
		if s.value(); s.err == nil && s.skipSpace(s.position()) == len(body) {
			return nil, errNotObject
		}
		return nil, errNotJSON
	}
	var e Envelope
	s.whole(func(key []byte) { e.read(s, key) })
	switch {
	case s.err != nil:
		return nil, errNotJSON
	case e.Context == nil || e.Event == nil:
		return nil, errNoParts
	case len(e.Steps) > 0 && e.Steps[0] != '{':
		return nil, errNoResults
	}
	if err := e.decodeContext(); err != nil {
		return nil, err
	}
	return &e, nil
}

// ForSDK returns the body that the SDK gets. It has neither the events, which the SDK would
// encode and decode several times, nor the memoized results.
func (e *Envelope) ForSDK() []byte {
	var b bytes.Buffer
	b.Grow(len(e.Context) - (e.stack.end - e.stack.start) + 64)
	b.WriteString(`{"event":{},"events":[],"ctx":`)
	b.Write(e.withoutStack())
	b.WriteByte('}')
	return b.Bytes()
}

// Whole returns the body that the SDK gets for an adopted function. It has the events and the
// memoized results, which the SDK decodes.
func (e *Envelope) Whole() []byte {
	var b bytes.Buffer
	b.Grow(len(e.Event) + len(e.Events) + len(e.Steps) + len(e.Context) + 64)
	b.WriteString(`{"ctx":`)
	b.Write(e.Context)
	for _, part := range []struct {
		key string
		raw []byte
	}{{"event", e.Event}, {"events", e.Events}, {"steps", e.SDKSteps()}} {
		if len(part.raw) > 0 {
			b.WriteString(`,"` + part.key + `":`)
			b.Write(part.raw)
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// read reads the member key of the body.
func (e *Envelope) read(s *scanner, key []byte) {
	switch string(key) {
	case "event":
		e.Event = s.value()
	case "events":
		// Unless the events are a batch, they are the event once more.
		if e.Events = s.arrayOf(e.Event); e.Events == nil {
			e.Events = s.value()
		}
	case "steps":
		e.Steps, e.Results = s.results()
	case "ctx":
		e.Context, e.stack = s.runContext()
	case "use_api":
		e.UseAPI = string(s.value()) == "true"
	default:
		s.value()
	}
}

// encode returns the JSON of a value whose encoding cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
