package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// envelope is the body of a call by the server, cut into its parts, which are
// slices of the body.
type envelope struct {
	Event   []byte
	Events  []byte
	Steps   []byte
	Context []byte
	// RunID, Attempt and MaxAttempts are decoded from Context.
	RunID       string
	Attempt     int
	MaxAttempts int
	// UseAPI says that the server left out Events and Steps.
	UseAPI bool
}

var (
	errEmpty = errors.New("the body is empty; if the server has sent one, a middleware in front of the endpoint has read it, " +
		"and has to put it back")
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
)

// parseEnvelope cuts a body into its parts in one pass over it, after one to
// make sure that it is JSON.
func parseEnvelope(body []byte) (*envelope, error) {
	if len(body) == 0 {
		return nil, errEmpty
	}
	// gjson's own check has no limit of depth.
	if !json.Valid(body) {
		return nil, errNotJSON
	}
	parsed := gjson.ParseBytes(body)
	if !parsed.IsObject() {
		return nil, errNotObject
	}
	var e envelope
	parsed.ForEach(func(key, value gjson.Result) bool {
		raw := body[value.Index : value.Index+len(value.Raw)]
		switch key.Str {
		case "event":
			e.Event = raw
		case "events":
			e.Events = raw
		case "steps":
			if value.Type != gjson.Null { // null is none
				e.Steps = raw
			}
		case "ctx":
			if value.Type != gjson.Null { // as if it were missing
				e.Context = raw
			}
		case "use_api":
			e.UseAPI = value.Bool()
		}
		return true
	})
	if e.Context == nil || e.Event == nil {
		return nil, errors.New(`the body has no "event" or no "ctx"`)
	}
	var context struct {
		RunID       string `json:"run_id"`
		Attempt     int    `json:"attempt"`
		MaxAttempts int    `json:"max_attempts"`
		UseAPI      bool   `json:"use_api"`
	}
	if err := json.Unmarshal(e.Context, &context); err != nil {
		return nil, fmt.Errorf(`the body's "ctx": %w`, err)
	}
	e.RunID, e.Attempt, e.MaxAttempts = context.RunID, context.Attempt, context.MaxAttempts
	e.UseAPI = e.UseAPI || context.UseAPI
	return &e, nil
}

// forSDK is the envelope as the SDK gets it: without the events, which it would
// encode and decode again and again.
func (e *envelope) forSDK() []byte {
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

// setStepID adds to the context the ID of the step that the call is for, which servers leave
// out.
func (e *envelope) setStepID(stepID string) {
	var context map[string]json.RawMessage
	if json.Unmarshal(e.Context, &context) == nil { // it was decoded before
		context["step_id"] = mustJSON(stepID)
		e.Context = mustJSON(context)
	}
}
