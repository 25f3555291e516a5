package inngesttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gowebpki/jcs"
	sdkerrors "github.com/inngest/inngestgo/errors"
	sdkstep "github.com/inngest/inngestgo/step"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/core/testhooks"
)

// How the steps of the server end in a StepContext.

// wait is the hook Wait.
func (s *stepContext) wait(ctx context.Context, st testhooks.Step, refused error) (json.RawMessage, error) {
	if ctx.Err() != nil {
		return nil, refused
	}
	record, err := s.enter(ctx, st)
	if err == nil && refused != nil {
		err = s.refuse(refused)
	}
	record.Attempts = 1
	var raw json.RawMessage
	if err == nil {
		raw, err = s.answer(ctx, st, record)
	}
	s.end(record, raw, err)
	if st.Kind == kindSleep {
		return nil, nil // step.Sleep has no error
	}
	return raw, err
}

// answer returns how the answers of the test end a step.
func (s *stepContext) answer(ctx context.Context, st testhooks.Step, record *StepRecord) (json.RawMessage, error) {
	stub := s.stubs.take("", st.ID, record.Index)
	switch {
	case stub == nil && st.Kind == kindSleep:
		return nil, nil
	case stub == nil:
		s.tb.Errorf("inngesttest: step %q %s, and the test has no answer. Add to StepContext: %s",
			st.ID, purpose(st.Options), advice(st))
		return nil, inngestkit.NoRetry(errUnanswered)
	case !s.suits(stub, st) || stub.outcome.kind == "":
		return nil, inngestkit.NoRetry(errUnsuited)
	case stub.outcome.kind == "TimesOut":
		return nil, timeoutOf(st.Kind)
	}
	switch o := st.Options.(type) {
	case sdkstep.WaitForEventOpts:
		return s.receive(stub, st, o)
	case sdkstep.WaitForSignalOpts:
		return s.returned(ctx, stub, st, StepInput{ID: st.ID, Index: record.Index, Kind: st.Kind})
	case sdkstep.InvokeOpts:
		return s.invoked(ctx, stub, st, record.Index, o)
	case sdkstep.FetchOpts:
		return s.fetched(ctx, stub, record, o)
	case sdkstep.InferOpts[json.RawMessage]:
		return s.inferred(ctx, stub, st, record, o)
	default:
		s.tb.Errorf("inngesttest: StepContext does not know steps of kind %s", st.Kind)
		return nil, inngestkit.NoRetry(errUnanswered)
	}
}

var errUnanswered = errors.New("inngesttest: the test has no answer for the step")

// purpose says what a step waits for.
func purpose(options any) string {
	switch o := options.(type) {
	case sdkstep.WaitForEventOpts:
		return fmt.Sprintf("waits for event %q", o.Event)
	case sdkstep.WaitForSignalOpts:
		return fmt.Sprintf("waits for signal %q", o.Signal)
	case sdkstep.InvokeOpts:
		return fmt.Sprintf("invokes function %q", o.FunctionId)
	case sdkstep.FetchOpts:
		return fmt.Sprintf("requests %s %s", o.Method, o.URL)
	case sdkstep.InferOpts[json.RawMessage]:
		return "requests " + o.Opts.URL
	default:
		return "waits"
	}
}

// advice returns what a test may add for a step without an answer.
func advice(st testhooks.Step) string {
	text := fmt.Sprintf("inngesttest.Step(%q)", st.ID)
	switch st.Kind {
	case kindWait:
		return text + ".Receives(event) or " + text + ".TimesOut()"
	case kindSignal:
		return text + ".Returns(data) or " + text + ".TimesOut()"
	case kindInvoke:
		return fmt.Sprintf("%s.Returns(output), where output is a %v, %s.Fails(err) or %s.TimesOut()",
			text, st.Output, text, text)
	default:
		return text + ".Responds(200, body) or " + text + ".Fails(err)"
	}
}

// receive returns the event of an answer, as the step gets it from the server.
func (s *stepContext) receive(stub *Stub, st testhooks.Step, o sdkstep.WaitForEventOpts) (json.RawMessage, error) {
	if name := nameOf(stub.outcome.event); name != o.Event {
		s.tb.Errorf("inngesttest: %s: the event is %q, but the step waits for %q", stub, name, o.Event)
		return nil, inngestkit.NoRetry(errUnsuited)
	}
	raw, err := arrivedEvent(stub.outcome.event, 1)
	if err != nil {
		s.tb.Errorf("inngesttest: %s: the event cannot be sent: %v", stub, err)
		return nil, inngestkit.NoRetry(errUnsuited)
	}
	return raw, s.checkFits(stub, st, raw)
}

// arrivedEvent returns an event as the server passes it on: in canonical form, with an ID and
// a time. n tells apart the IDs of several events.
func arrivedEvent(event inngestkit.AnyEvent, n int) (json.RawMessage, error) {
	raw, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	var arrived map[string]json.RawMessage
	if err := json.Unmarshal(raw, &arrived); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(arrived["data"], []byte("{")) {
		arrived["data"] = json.RawMessage("{}")
	}
	if arrived["id"] == nil {
		arrived["id"] = fmt.Appendf(nil, `"%026d"`, n) // has the form of a ULID
	}
	if arrived["ts"] == nil {
		arrived["ts"] = fmt.Append(nil, time.Now().UnixMilli())
	}
	if raw, err = json.Marshal(arrived); err != nil {
		return nil, err
	}
	return jcs.Transform(raw)
}

// returned returns the value of an answer.
func (s *stepContext) returned(ctx context.Context, stub *Stub, st testhooks.Step, in StepInput) (json.RawMessage, error) {
	value, err := stub.outcome.do(ctx, in)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(value)
	if err == nil {
		raw, _, err = rounded(raw, value)
	}
	if err != nil {
		s.tb.Errorf("inngesttest: %s: the value cannot be encoded as JSON: %v", stub, err)
		return nil, inngestkit.NoRetry(errUnsuited)
	}
	return raw, s.checkFits(stub, st, raw)
}

// invoked returns the output of an invoked function, or its error. The server does not retry.
func (s *stepContext) invoked(
	ctx context.Context, stub *Stub, st testhooks.Step, index int, o sdkstep.InvokeOpts,
) (json.RawMessage, error) {
	data, err := json.Marshal(o.Data)
	if err != nil {
		return nil, err
	}
	raw, err := s.returned(ctx, stub, st, StepInput{ID: st.ID, Index: index, Kind: st.Kind, Data: data})
	if err != nil && !errors.Is(err, errUnsuited) {
		err = sdkerrors.NoRetryError(functionError(err))
	}
	return raw, err
}

// functionError returns the error of a function that ended with err.
func functionError(err error) error {
	failed, ok := errors.AsType[step.Error](err)
	if !ok {
		failed = step.Error{Name: "Error", Message: err.Error()}
	}
	failed.Data = json.RawMessage("null") // the server keeps only the name and the message
	return failed
}

// fetched returns the response of an answer to step.Fetch.
func (s *stepContext) fetched(
	ctx context.Context, stub *Stub, record *StepRecord, o sdkstep.FetchOpts,
) (json.RawMessage, error) {
	resp, err := s.respond(ctx, stub, record, o.Method, o.URL, o.Headers, []byte(o.Body))
	if err != nil {
		return nil, gatewayError("GatewayError", "Error making gateway request: "+err.Error(), nil)
	}
	header := make(map[string]string, len(resp.header))
	for key, values := range resp.header {
		header[key] = strings.Join(values, ",")
	}
	return json.Marshal(step.FetchResponse{StatusCode: resp.status, Header: header, Body: string(resp.body), URL: o.URL})
}

// inferred returns the response of an answer to step.Infer. Unlike step.Fetch, it fails for a
// status from 300.
func (s *stepContext) inferred(
	ctx context.Context, stub *Stub, st testhooks.Step, record *StepRecord, o sdkstep.InferOpts[json.RawMessage],
) (json.RawMessage, error) {
	resp, err := s.respond(ctx, stub, record, http.MethodPost, o.Opts.URL, o.Opts.Headers, o.Body)
	switch {
	case err != nil:
		return nil, gatewayError("AIGatewayError", "Error making AI request: "+err.Error(), nil)
	case resp.status >= http.StatusMultipleChoices:
		return nil, gatewayError("AIGatewayError",
			fmt.Sprintf("Error making AI request: unsuccessful status code: %d", resp.status), resp.body)
	case !json.Valid(resp.body):
		s.tb.Errorf("inngesttest: %s: the body %q is not JSON, so step %q cannot return it", stub, resp.body, st.ID)
		return nil, inngestkit.NoRetry(errUnsuited)
	}
	return resp.body, s.checkFits(stub, st, resp.body)
}

// gatewayError returns the final error of a request. The server keeps a body that is JSON.
func gatewayError(name, message string, body []byte) error {
	if !json.Valid(body) {
		body = []byte("null")
	}
	return step.Error{Name: name, Message: message, Data: body}
}

// A response is what an answer responds to a request.
type response struct {
	status int
	header http.Header
	body   []byte
}

// respond has an answer respond to a request.
func (s *stepContext) respond(
	ctx context.Context, stub *Stub, record *StepRecord, method, url string, header map[string]string, body []byte,
) (response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	for key, value := range header {
		req.Header.Set(key, value)
	}
	in := StepInput{ID: record.ID, Index: record.Index, Kind: record.Kind}
	resp, err := answerRequest(req, stub, in)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	read, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, read}, err
}

// timeoutOf returns the error of a step of the kind that has waited for its whole timeout.
func timeoutOf(kind string) error {
	switch kind {
	case kindSignal:
		return signalTimeoutError{}
	case kindInvoke:
		return sdkerrors.NoRetryError(invokeTimeoutError{step.Error{
			Name:    "InngestInvokeTimeoutError",
			Message: "Timed out waiting for invoked function to complete",
			Data:    []byte("null"),
		}})
	default:
		return step.ErrTimeout
	}
}

// signalTimeoutError is the error of step.WaitForSignal at its timeout.
type signalTimeoutError struct{}

// Error returns the SDK's message.
func (signalTimeoutError) Error() string { return sdkstep.ErrSignalNotReceived.Error() }

// Is reports whether target is step.ErrTimeout or the SDK's error for signals.
func (signalTimeoutError) Is(target error) bool {
	return target == step.ErrTimeout || target == sdkstep.ErrSignalNotReceived
}

// invokeTimeoutError is the error of step.Invoke at its timeout.
type invokeTimeoutError struct{ failed step.Error }

// Error returns the server's message.
func (e invokeTimeoutError) Error() string { return e.failed.Error() }

// Unwrap returns the step.Error and step.ErrTimeout.
func (e invokeTimeoutError) Unwrap() []error { return []error{e.failed, step.ErrTimeout} }
