package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// maxResponse is the size in bytes of the largest response (MaxSDKResponseBodySize in
// pkg/consts of the server).
const maxResponse = 8 << 20

// outcome is what a response means to the server.
type outcome struct {
	// ops are the operations of a response with status 206, nil for others.
	ops []*opcode
	// output is the output of the function, or the error with which it ended. isText reports
	// that the server has it as text, even if it looks like JSON.
	output json.RawMessage
	isText bool
	// hidden reports that the server's API does not show the output.
	hidden bool
	// failed reports that the call failed as a whole, and err is the text of the reason.
	failed bool
	err    string
	// noRetry reports that the response forbids a retry; retryAfter is when it asks for one.
	noRetry    bool
	retryAfter string
	// protocol is the response's X-Inngest-Req-Version.
	protocol int
}

// failCall makes the outcome a call that failed for a reason of the server's own.
func (e *Engine) failCall(o *outcome, reason string) {
	o.failed, o.err, o.ops, o.isText = true, reason, nil, true
	o.output = serialized(standardError{Error: reason, Name: defaultErrorName, Message: reason})
	if e.cfg.Version == version.Oldest {
		o.output = quote(string(quote(reason)))
	}
}

// The names that the server gives to errors of its own.
const (
	defaultErrorName    = "Error"
	defaultErrorMessage = "Function execution error"
	fatalErrorName      = "Server returned a fatal error"
	tooLargeName        = "output_too_large"
	tooLargeMessage     = "Your function's response body exceeds the maximum size limit"
)

// notSDK returns the server's words for a response that did not come from an SDK.
func (e *Engine) notSDK() string {
	if e.cfg.Version == version.Oldest {
		return "not_sdk"
	}
	return "The response did not come from an Inngest SDK"
}

// interpret returns what a response means (HandleHttpResponse in
// pkg/execution/driver/httpdriver of the server).
func (e *Engine) interpret(resp *adapter.Response) *outcome {
	o := &outcome{}
	if resp == nil {
		e.failCall(o, "Unable to reach SDK URL")
		return o
	}
	o.noRetry = resp.Header.Get("X-Inngest-No-Retry") == "true"
	o.retryAfter = resp.Header.Get("Retry-After")
	o.protocol, _ = strconv.Atoi(resp.Header.Get("X-Inngest-Req-Version"))
	isSDK := resp.Header.Get("X-Inngest-Sdk") != ""
	switch {
	case len(resp.Body) > maxResponse:
		o.noRetry, o.retryAfter = false, ""
		o.failed, o.err, o.isText = true, tooLargeName, true
		o.output = serialized(standardError{
			Error: tooLargeName + ": " + tooLargeMessage, Name: tooLargeName, Message: tooLargeMessage,
		})
	case resp.Status == http.StatusPartialContent:
		e.interpretOps(o, resp, isSDK)
	default:
		e.interpretOutput(o, resp, isSDK)
	}
	return o
}

func (e *Engine) interpretOps(o *outcome, resp *adapter.Response, isSDK bool) {
	ops, err := e.parseOps(resp.Body, o.noRetry)
	if err != nil {
		// The server does not look at the headers then.
		o.noRetry, o.retryAfter = false, ""
		e.failCall(o, err.Error())
		return
	}
	o.ops = ops
	if !isSDK {
		o.failed, o.err, o.ops = true, e.notSDK(), nil
		o.output, o.isText, o.hidden = quote(string(resp.Body)), true, true
	}
}

func (e *Engine) interpretOutput(o *outcome, resp *adapter.Response, isSDK bool) {
	o.output, o.isText = parseOutput(resp.Body)
	ok := resp.Status >= 200 && resp.Status <= 299
	if !ok {
		o.failed, o.err = true, fmt.Sprintf("invalid status code: %d", resp.Status)
		if !isSDK && e.cfg.Version != version.Oldest {
			o.output, o.isText = fatalUpstream(resp), false
		}
	}
	switch {
	case o.noRetry:
		o.failed, o.err = true, "NonRetriableError"
	case o.retryAfter != "" && !o.failed:
		if _, ok := e.retryAfter(o.retryAfter); ok {
			o.failed, o.err = true, "retry at"
		}
	}
	if ok && !isSDK {
		o.failed, o.err = true, e.notSDK()
	}
}

// parseOutput returns the output of a function as JSON (ParseResponse in
// pkg/execution/driver/httpdriver of the server). An object that arrives as text becomes an
// object. Only objects are decoded, so the numbers of other outputs keep their digits. What is
// not JSON becomes text.
func parseOutput(body []byte) (output json.RawMessage, isText bool) {
	if len(body) == 0 {
		return nil, false
	}
	if output, ok := lenient(body); ok {
		var text string
		if body[0] == '"' && body[len(body)-1] == '"' && json.Unmarshal(body, &text) == nil &&
			strings.HasPrefix(string(body), `"{`) && strings.HasSuffix(string(body), `}"`) {
			if object, ok := lenient([]byte(text)); ok {
				return object, false
			}
		}
		if output[0] != '{' {
			var compact bytes.Buffer
			_ = json.Compact(&compact, body) // lenient has read it
			return compact.Bytes(), false
		}
		return output, false
	}
	return quote(string(body)), true
}

// lenient is canonical for JSON that may have duplicate keys, of which the last counts.
func lenient(data []byte) (json.RawMessage, bool) {
	if out, err := canonical(data); err == nil {
		return out, true
	}
	var v any
	if json.Unmarshal(data, &v) != nil {
		return nil, false
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	out, err := canonical(encoded)
	return out, err == nil
}

// standardError is an error in the form of the server's events (StandardError in
// pkg/execution/state of the server).
type standardError struct {
	Error   string          `json:"error"`
	Name    string          `json:"name"`
	Message string          `json:"message"`
	Stack   string          `json:"stack,omitempty"`
	Cause   json.RawMessage `json:"cause,omitempty"`
}

// serialized returns an error of the server as the text that it stores as an output.
func serialized(problem standardError) json.RawMessage {
	inner, err := json.Marshal(map[string]standardError{fieldError: problem})
	if err != nil {
		panic(err) // impossible: it has only texts
	}
	return quote(string(inner))
}

// fatalUpstream returns the output of a response that did not come from an SDK.
func fatalUpstream(resp *adapter.Response) json.RawMessage {
	const maxBody = 8192
	message := fmt.Sprintf("Your server returned HTTP %d before the SDK responded.", resp.Status)
	stack := "The response did not come from an SDK: a proxy, a framework or a crash may have caused it."
	if len(resp.Body) > 0 {
		stack += "\n\n" + string(bytes.ToValidUTF8(resp.Body[:min(len(resp.Body), maxBody)], []byte("\ufffd")))
	}
	out, err := json.Marshal(standardError{Error: message, Name: fatalErrorName, Message: message, Stack: stack})
	if err != nil {
		panic(err) // impossible: it has only texts
	}
	if out, err = canonical(out); err != nil {
		panic(err) // impossible: Marshal has encoded it
	}
	return out
}

// standard returns the error of a failed outcome in the form of the server's events.
func (o *outcome) standard() json.RawMessage {
	problem := standardError{Error: defaultErrorMessage, Name: defaultErrorName, Message: defaultErrorMessage}
	fields := o.errorFields()
	for key, to := range map[string]*string{
		"error": &problem.Error, "name": &problem.Name, "message": &problem.Message, "stack": &problem.Stack,
	} {
		var text string
		if json.Unmarshal(fields[key], &text) == nil && text != "" {
			*to = text
		}
	}
	problem.Cause = fields["cause"]
	if problem.Error == defaultErrorMessage {
		problem.Error = o.err
	}
	if problem.Message == defaultErrorMessage {
		problem.Message = o.err
	}
	out, err := json.Marshal(problem)
	if err == nil {
		out, err = canonical(out)
	}
	if err != nil {
		panic(err) // impossible: its parts are canonical
	}
	return out
}

// errorFields returns the object that describes an error: the output, or what is in its
// field error or body.
func (o *outcome) errorFields() map[string]json.RawMessage {
	if o.isText {
		return map[string]json.RawMessage{"message": o.output}
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(o.output, &fields) != nil {
		return nil
	}
	const maxNested = 32 << 10
	for _, key := range []string{"error", "body"} {
		value, ok := fields[key]
		if !ok {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) == nil && len(text) <= maxNested {
			value = json.RawMessage(text)
		}
		var nested map[string]json.RawMessage
		if json.Unmarshal(value, &nested) == nil && nested != nil {
			return nested
		}
	}
	return fields
}

// failedOutput returns the output of a failed run as the server's API has it.
func (o *outcome) failedOutput() json.RawMessage {
	switch {
	case o.hidden:
		return json.RawMessage(`""`)
	case o.output == nil:
		return asJSON(o.err)
	}
	var text string
	if o.isText && json.Unmarshal(o.output, &text) == nil {
		return asJSON(text)
	}
	return o.output
}

// asJSON returns a text as the JSON that it is, or as a JSON string.
func asJSON(text string) json.RawMessage {
	if out, ok := lenient([]byte(text)); ok {
		return out
	}
	return quote(text)
}
