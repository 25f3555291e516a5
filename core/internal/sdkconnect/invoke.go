package sdkconnect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"
)

// Canonical forms of the SDK's header names.
var (
	headerRequestID = http.CanonicalHeaderKey(inngestgo.HeaderKeyRequestID)
	headerJobID     = http.CanonicalHeaderKey(inngestgo.HeaderKeyJobID)
)

// invoker is a connect.FunctionInvoker that passes calls to a [Handler], so that they
// run like calls over HTTP. The SDK's own invoker would call the function with a
// context without the app, decode events through float64, and treat the final failure
// of a step as a failure of the function.
//
// R is a request and O an operation. Their types have no name outside the SDK, but
// they can be inferred.
type invoker[R, O any] struct {
	handler Handler
	// requestID and jobID are the indexes of fields of R, nil if it does not have them.
	requestID, jobID []int
}

// Invoker returns what the SDK calls functions by. It passes calls to handler.
func Invoker(handler Handler) connect.FunctionInvoker {
	return newInvoker(handler, connect.FunctionInvoker.InvokeFunction)
}

func newInvoker[R, O any](
	handler Handler, _ func(connect.FunctionInvoker, context.Context, string, *string, R) (any, []O, error),
) *invoker[R, O] {
	request := reflect.TypeFor[R]()
	return &invoker[R, O]{handler, contextField(request, "RequestID"), contextField(request, "JobID")}
}

// contextField returns the index of a text in the context of a request, nil if this
// version of the SDK does not have it. The JSON of a request leaves these texts out.
func contextField(request reflect.Type, name string) []int {
	outer, ok := request.FieldByName("CallCtx")
	if !ok || outer.Type.Kind() != reflect.Struct {
		return nil
	}
	inner, ok := outer.Type.FieldByName(name)
	if !ok || inner.Type.Kind() != reflect.String {
		return nil
	}
	return slices.Concat(outer.Index, inner.Index)
}

// InvokeFunction implements connect.FunctionInvoker.
func (i *invoker[R, O]) InvokeFunction(_ context.Context, slug string, stepID *string, request R) (any, []O, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, nil, err
	}
	header, value := http.Header{}, reflect.ValueOf(request)
	if i.requestID != nil {
		header[headerRequestID] = []string{value.FieldByIndex(i.requestID).String()}
	}
	if i.jobID != nil {
		header[headerJobID] = []string{value.FieldByIndex(i.jobID).String()}
	}
	if stepID == nil {
		stepID = new(string)
	}
	resp := i.handler.Call(slug, *stepID, header, body)
	if resp.Status == http.StatusPartialContent {
		ops, err := operations[O](resp)
		return nil, ops, err
	}
	if resp.Status >= http.StatusBadRequest {
		return nil, nil, withRetry(errors.New(resp.message()), resp.Header)
	}
	return json.RawMessage(resp.Body), nil, nil
}

// operations decodes the operations in a response. The SDK expects an error beside the
// failure of a step, and reads from it only whether and when to retry.
func operations[O any](resp Response) ([]O, error) {
	var ops []O
	decoder := json.NewDecoder(bytes.NewReader(resp.Body))
	decoder.UseNumber() // the SDK encodes them again
	if err := decoder.Decode(&ops); err != nil {
		return nil, err
	}
	var kinds []struct {
		Op string `json:"op"`
	}
	if err := json.Unmarshal(resp.Body, &kinds); err != nil {
		return nil, err
	}
	if len(kinds) == 1 && kinds[0].Op == "StepError" {
		return ops, withRetry(errors.New("the step failed"), resp.Header)
	}
	return ops, nil
}

// message returns the message of an error response.
func (r Response) message() string {
	var body struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(r.Body, &body) == nil && body.Message != "" {
		return body.Message
	}
	return http.StatusText(r.Status)
}

// withRetry wraps err so that the SDK sends what the headers of a response say about
// retries.
func withRetry(err error, header http.Header) error {
	if header.Get(inngestgo.HeaderKeyNoRetry) == "true" {
		return inngestgo.NoRetryError(err)
	}
	after := header.Get(inngestgo.HeaderKeyRetryAfter)
	if at, parseErr := time.Parse(time.RFC3339, after); parseErr == nil {
		return inngestgo.RetryAtError(err, at)
	}
	if seconds, parseErr := strconv.Atoi(after); parseErr == nil && seconds > 0 {
		return inngestgo.RetryAtError(err, time.Now().Add(time.Duration(seconds)*time.Second))
	}
	return err
}
