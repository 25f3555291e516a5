package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/inngest/inngestgo/connect"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

// invoker is a connect.FunctionInvoker that takes the calls of a connection the
// way that calls over HTTP take: through the gate to an engine of the function's
// own, and its answer back. The SDK's own invoker would hand a function a context
// without anything of ours, decode events by way of float64, and take a step that
// had failed for good for a failure of the function.
//
// R is a request and O an operation. Their types are the SDK's and have no name
// outside of it, but they can be inferred.
type invoker[R, O any] struct{ connection *connection }

func newInvoker[R, O any](
	c *connection, _ func(connect.FunctionInvoker, context.Context, string, *string, R) (any, []O, error),
) *invoker[R, O] {
	return &invoker[R, O]{c}
}

// InvokeFunction implements connect.FunctionInvoker.
func (i *invoker[R, O]) InvokeFunction(_ context.Context, slug string, stepID *string, request R) (any, []O, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, nil, err
	}
	ids := reflect.ValueOf(request).FieldByName("CallCtx")
	header := http.Header{
		headerRequestID: {ids.FieldByName("RequestID").String()},
		headerJobID:     {ids.FieldByName("JobID").String()},
	}
	if stepID == nil {
		stepID = new(anyStep)
	}
	resp := i.connection.call(slug, *stepID, header, body)
	if resp.Status == http.StatusPartialContent {
		ops, err := operations[O](resp)
		return nil, ops, err
	}
	if resp.Status >= http.StatusBadRequest {
		return nil, nil, withRetry(errors.New(answerMessage(resp.Body, resp.Status)), resp.Header)
	}
	return json.RawMessage(resp.Body), nil, nil
}

// operations takes the operations out of an answer. The SDK wants an error beside
// the failure of a step only for what it says about retries.
func operations[O any](resp *Response) ([]O, error) {
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

// withRetry says about an error what the headers of an answer say about it.
func withRetry(err error, header http.Header) error {
	if header.Get(headerNoRetry) == isTrue {
		return inngestgo.NoRetryError(err)
	}
	if at, parseErr := time.Parse(time.RFC3339, header.Get(headerRetryAfter)); parseErr == nil {
		return inngestgo.RetryAtError(err, at)
	}
	if after := httpclient.RetryAfter(header); after > 0 {
		return inngestgo.RetryAtError(err, time.Now().Add(after))
	}
	return err
}

// call executes a call that came over the connection. One that comes while it
// drains is held: refused at once, it would come back again and again, and use up
// its attempts.
func (c *connection) call(functionID, stepID string, header http.Header, body []byte) *Response {
	c.owed.Add(1)
	req := &Request{Method: http.MethodPost, Path: connectURL.String(), Header: header, connect: true}
	if c.app.gate.IsClosed() || !c.gate.Enter() {
		<-c.released
		return fail(req, http.StatusServiceUnavailable, "the app has shut down; another instance will answer", false)
	}
	resp := c.execute(req, functionID, stepID, body)
	c.gate.Leave()
	if resp.Status == http.StatusServiceUnavailable && c.app.gate.IsClosed() {
		<-c.released // it was waiting for a place
	}
	return resp
}

// execute executes a call on a goroutine of its own. The SDK's worker has to survive a
// function that ends its goroutine (runtime.Goexit, as FailNow of a test does): without
// it the server would get no answer, and the SDK one worker less for each such call.
func (c *connection) execute(req *Request, functionID, stepID string, body []byte) *Response {
	answer := make(chan *Response, 1)
	go func() {
		var resp *Response
		defer func() {
			if r := recover(); r != nil {
				resp = c.app.panicked(req, r)
			}
			if resp == nil {
				c.app.config.Logger.Error("inngest: function failed", "function", functionID, "error", errNoEnd)
				resp = fail(req, http.StatusInternalServerError, errNoEnd.Error(), false)
			}
			answer <- resp
		}()
		resp = c.app.execute(context.Background(), req, functionID, stepID, body)
	}()
	return <-answer
}
