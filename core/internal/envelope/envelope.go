// Package envelope parses the body of a call, completes it and writes it for the SDK.
package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// Envelope is the body of a call by the server, split into its parts. The parts are
// slices of the body.
type Envelope struct {
	Event   []byte
	Events  []byte
	Steps   []byte // the memoized results by step ID; nil if the body has none
	Context []byte
	// RunID, Attempt and MaxAttempts are decoded from Context.
	RunID       string
	Attempt     int
	MaxAttempts int
	// UseAPI reports that the server left out Events and Steps; see FetchState.
	UseAPI bool
}

// ErrEmpty is returned for an empty body.
var ErrEmpty = errors.New("the body is empty; if the server sent one, a middleware in front of the endpoint has read it " +
	"and must put it back")

var (
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
	errNoParts   = errors.New(`the body has no "event" or no "ctx"`)
)

// Parse splits a body into its parts, in one pass after the one that validates the
// JSON.
func Parse(body []byte) (*Envelope, error) {
	if len(body) == 0 {
		return nil, ErrEmpty
	}
	// The validation of gjson has no limit of depth.
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	parsed := gjson.ParseBytes(body)
	if !parsed.IsObject() {
		return nil, errNotObject
	}
	var e Envelope
	parsed.ForEach(func(key, value gjson.Result) bool {
		raw := body[value.Index : value.Index+len(value.Raw)]
		switch key.Str {
		case "event":
			e.Event = raw
		case "events":
			e.Events = raw
		case "steps":
			if value.Type != gjson.Null {
				e.Steps = raw
			}
		case "ctx":
			if value.Type != gjson.Null {
				e.Context = raw
			}
		case "use_api":
			e.UseAPI = value.Bool()
		}
		return true
	})
	if e.Context == nil || e.Event == nil {
		return nil, errNoParts
	}
	if err := e.decodeContext(); err != nil {
		return nil, err
	}
	return &e, nil
}

// SetStepID sets the targeted step in Context, where servers do not name it.
func (e *Envelope) SetStepID(stepID string) {
	var context map[string]json.RawMessage
	if json.Unmarshal(e.Context, &context) == nil { // Parse has decoded it before
		context["step_id"] = encode(stepID)
		e.Context = encode(context)
	}
}

// WithoutEvents returns the body that the SDK gets. It has no events, which the SDK
// would encode and decode several times.
func (e *Envelope) WithoutEvents() []byte {
	var b bytes.Buffer
	b.Grow(len(e.Steps) + len(e.Context) + 64)
	b.WriteString(`{"event":{},"events":[],"ctx":`)
	b.Write(e.Context)
	if len(e.Steps) > 0 {
		b.WriteString(`,"steps":`)
		b.Write(e.Steps)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// WithEvents returns the body that the SDK gets for an adopted function. It has the
// events, which the SDK decodes.
func (e *Envelope) WithEvents() []byte {
	var b bytes.Buffer
	b.Grow(len(e.Event) + len(e.Events) + len(e.Steps) + len(e.Context) + 64)
	b.WriteString(`{"ctx":`)
	b.Write(e.Context)
	for _, part := range []struct {
		key string
		raw []byte
	}{{"event", e.Event}, {"events", e.Events}, {"steps", e.Steps}} {
		if len(part.raw) > 0 {
			b.WriteString(`,"` + part.key + `":`)
			b.Write(part.raw)
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

func (e *Envelope) decodeContext() error {
	var context struct {
		RunID       string `json:"run_id"`
		Attempt     int    `json:"attempt"`
		MaxAttempts int    `json:"max_attempts"`
		UseAPI      bool   `json:"use_api"`
	}
	if err := json.Unmarshal(e.Context, &context); err != nil {
		return fmt.Errorf(`the body's "ctx": %w`, err)
	}
	e.RunID, e.Attempt, e.MaxAttempts = context.RunID, context.Attempt, context.MaxAttempts
	e.UseAPI = e.UseAPI || context.UseAPI
	return nil
}

// encode returns the JSON of a value whose encoding cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
