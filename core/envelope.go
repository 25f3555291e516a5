package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// envelope is the body of a call by the server, cut into its parts. The parts
// are slices of the body; only Context is decoded.
type envelope struct {
	Event   []byte
	Events  []byte
	Steps   []byte
	Context callContext
	UseAPI  bool
}

// callContext is what the SDK reads of the "ctx" part. The rest of it, above all
// the stack of step IDs, is not passed on, because the SDK only ever logs it.
type callContext struct {
	DisableImmediateExecution bool   `json:"disable_immediate_execution"`
	Env                       string `json:"env"`
	FunctionID                string `json:"fn_id,omitempty"`
	RunID                     string `json:"run_id"`
	StepID                    string `json:"step_id"`
	Attempt                   int    `json:"attempt"`
	QueueItemRef              string `json:"qi_id"`
	MaxAttempts               *int   `json:"max_attempts"`
	UseAPI                    bool   `json:"use_api,omitempty"`
}

var (
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
)

// parseEnvelope cuts a body into its parts in one pass over it, after one to
// make sure that it is JSON.
func parseEnvelope(body []byte) (*envelope, error) {
	if !gjson.ValidBytes(body) {
		return nil, errNotJSON
	}
	parsed := gjson.ParseBytes(body)
	if !parsed.IsObject() {
		return nil, errNotObject
	}
	var e envelope
	var rawContext []byte
	parsed.ForEach(func(key, value gjson.Result) bool {
		raw := body[value.Index : value.Index+len(value.Raw)]
		switch key.Str {
		case "event":
			e.Event = raw
		case "events":
			e.Events = raw
		case "steps":
			e.Steps = raw
		case "ctx":
			rawContext = raw
		case "use_api":
			e.UseAPI = value.Bool()
		}
		return true
	})
	if rawContext == nil || e.Event == nil {
		return nil, errors.New(`the body has no "event" or no "ctx"`)
	}
	if err := json.Unmarshal(rawContext, &e.Context); err != nil {
		return nil, fmt.Errorf(`the body's "ctx": %w`, err)
	}
	e.UseAPI = e.UseAPI || e.Context.UseAPI
	return &e, nil
}

// forSDK is the envelope as the SDK gets it: without the events, which it would
// encode and decode again and again.
func (e *envelope) forSDK() []byte {
	var b bytes.Buffer
	b.Grow(len(e.Steps) + 512)
	b.WriteString(`{"event":{},"events":[],"ctx":`)
	b.Write(mustJSON(e.Context))
	if len(e.Steps) > 0 {
		b.WriteString(`,"steps":`)
		b.Write(e.Steps)
	}
	b.WriteByte('}')
	return b.Bytes()
}
