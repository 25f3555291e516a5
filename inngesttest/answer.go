package inngesttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/internal/engine"
)

// answerRequest returns the outcome of a stub as the response to the request of step.Fetch or
// step.Infer.
func answerRequest(r *http.Request, stub *Stub, in StepInput) (*http.Response, error) {
	status, body := stub.outcome.status, stub.outcome.body
	if stub.outcome.kind != outcomeResponds {
		var err error
		if in.Data, err = bodyOf(r); err != nil {
			return nil, err
		}
		in.Request = r
		value, err := stub.outcome.do(r.Context(), in)
		if err != nil {
			return nil, err
		}
		status = http.StatusOK
		if body, err = encodeBody(value); err != nil {
			return nil, fmt.Errorf("%s: the body cannot be encoded: %w", stub, err)
		}
	}
	bodyType := "text/plain; charset=utf-8"
	if json.Valid(body) {
		bodyType = typeJSON
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{contentType: {bodyType}}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}

// bodyOf returns the body of a request, which can be read again.
func bodyOf(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// answer returns how a stub ends a step that is about to wait, nil without a stub. It is called
// with the engine's lock.
func (v *virtual) answer(run *engine.Run, s *engine.Step, opts json.RawMessage) *engine.Answer {
	in := v.input(run, s.ID, s.Index, s.Kind)
	stub := v.stubs.take(in.FunctionID, in.ID, in.Index)
	if stub == nil || !v.suits(run, stub, in.Kind) {
		return nil
	}
	var waits struct {
		Event   string `json:"event"`
		Signal  string `json:"signal"`
		Payload struct {
			Data json.RawMessage `json:"data"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(opts, &waits); err != nil {
		v.Fault(run, "%s: the options of the step are not JSON: %v", stub, err)
		return nil
	}
	in.Data = waits.Payload.Data
	switch {
	case stub.outcome.kind == outcomeTimesOut:
		return &engine.Answer{TimesOut: true}
	case in.Kind == kindWait:
		return &engine.Answer{Send: func() { v.sendReceived(run, stub, waits.Event) }}
	case in.Kind == kindSignal:
		return &engine.Answer{Send: func() { v.sendSignal(run, stub, in, waits.Signal) }}
	default:
		return &engine.Answer{Result: func() json.RawMessage { return v.invoked(run, stub, in) }}
	}
}

// sendReceived sends the event of Receives.
func (v *virtual) sendReceived(run *engine.Run, stub *Stub, waitsFor string) {
	if name := nameOf(stub.outcome.event); name != waitsFor {
		v.Fault(run, "%s: the event is %q, but the step waits for %q", stub, name, waitsFor)
		return
	}
	app := v.env.appOf(run.Function.App.ID)
	if _, err := app.Send(v.env.context(), stub.outcome.event); err != nil {
		v.Fault(run, "%s: %v", stub, err)
	}
}

// nameOf returns the name of an event.
func nameOf(event inngestkit.AnyEvent) string { return event.Event().Name }

func (v *virtual) sendSignal(run *engine.Run, stub *Stub, in StepInput, name string) {
	data, err := stub.outcome.do(v.env.context(), in)
	if err == nil {
		err = v.env.appOf(run.Function.App.ID).SendSignal(v.env.context(), name, data)
	}
	if err != nil {
		v.Fault(run, "%s: %v", stub, err)
	}
}

// invoked returns the result of a step.Invoke that a stub answers, as the server stores it.
func (v *virtual) invoked(run *engine.Run, stub *Stub, in StepInput) json.RawMessage {
	value, err := stub.outcome.do(v.env.context(), in)
	if err != nil {
		return failedResult(err.Error())
	}
	result, err := json.Marshal(struct {
		Data any `json:"data"`
	}{value})
	if err != nil {
		v.Fault(run, "%s: the value cannot be encoded as JSON: %v", stub, err)
		return json.RawMessage(`{"data":null}`)
	}
	return result
}

// failedResult returns what the server stores for an invoked function that has failed.
func failedResult(message string) json.RawMessage {
	type failure struct {
		Error   string `json:"error"`
		Name    string `json:"name"`
		Message string `json:"message"`
	}
	raw, err := json.Marshal(struct {
		Error failure `json:"error"`
	}{failure{message, errorName, message}})
	if err != nil {
		panic(err) // it consists of text
	}
	return raw
}
