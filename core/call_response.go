package inngestkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/inngestkit/inngestkit/core/adapter"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

var (
	errCutShort = errors.New("the call ended before the function returned: its context is done, " +
		"or the function no longer has the step that the call was for")
	errHungUp = errors.New("the caller hung up, or its time ran out, before the function ended")
)

// response returns the response to the call, made from the SDK's.
func (c *FunctionCall) response(rec *recorder) *adapter.Response {
	noRetry := http.Header{headerNoRetry: {isTrue}}
	if rec.status < http.StatusPartialContent && !c.call.Returned() {
		if deferred := c.call.Deferred(); deferred != nil {
			return c.deferredResponse(deferred)
		}
		return c.failed(http.StatusInternalServerError, errCutShort.Error(), rec.header)
	}
	if err := c.outputError(rec); err != nil {
		return c.failed(http.StatusInternalServerError, err.Error(), noRetry)
	}
	if rec.status >= http.StatusBadRequest {
		message := errorMessage(rec.body.Bytes(), rec.status)
		if c.function.adopted != nil {
			message = panicMessage(message)
		}
		return c.failed(rec.status, message, rec.header)
	}
	body := bytes.TrimSuffix(rec.body.Bytes(), []byte("\n"))
	if reason := whyTooLarge(rec.status, len(body)); reason != "" {
		return c.failed(http.StatusInternalServerError, reason, noRetry)
	}
	if rec.status == http.StatusOK {
		if err := c.call.CheckIntegers(c.call.Inner, "the output of function", c.FunctionID, body); err != nil {
			return c.failed(http.StatusInternalServerError, err.Error(), noRetry)
		}
		body = escapeObjectText(body)
	}
	resp := respond(c.req, rec.status, body)
	copyRetryHeaders(resp.Header, rec.header)
	return resp
}

// outputError returns an error if the function succeeded with an output that cannot be
// encoded, which a retry would not change.
func (c *FunctionCall) outputError(rec *recorder) error {
	if rec.status >= http.StatusBadRequest && c.call.Returned() && c.err == nil {
		return c.encodingError()
	}
	return nil
}

// encodingError returns why the output cannot be encoded, nil if it can.
func (c *FunctionCall) encodingError() error {
	_, err := c.encode(c.call.Output())
	return err
}

func (c *FunctionCall) encode(output any) (json.RawMessage, error) {
	raw, err := c.call.Codec.Marshal(output)
	if err != nil {
		err = fmt.Errorf("the output of function %q, of Go type %T, is not JSON: %w", c.FunctionID, output, err)
	}
	return raw, err
}

// maxCallResponse is the size of a response to a call above which the server fails
// the attempt and retries in vain: MaxSDKResponseBodySize in its pkg/consts,
// less what Connect puts around it. There the server would close the connection.
const maxCallResponse = 8<<20 - 16<<10

// whyTooLarge returns why the server would not accept a response, "" if it would. Results,
// inputs and errors of single steps are checked elsewhere.
func whyTooLarge(status, size int) string {
	what := "the output of the function has"
	switch {
	case size <= maxCallResponse || status >= http.StatusBadRequest:
		return ""
	case status == http.StatusPartialContent:
		what = "the steps of one call together have"
	}
	return fmt.Sprintf("%s %d bytes as JSON, more than the %d that the server accepts; "+
		"keep large data elsewhere and return a reference",
		what, size, maxCallResponse)
}

// escapeObjectText escapes the first brace of an output that is text and begins with one.
// The server decodes such text, as an object that was encoded twice, if it also ends with a
// brace and is JSON (ParseResponse in its pkg/execution/driver/httpdriver). It compares the
// brace itself; escaped, the text stays the same and the server leaves it alone.
func escapeObjectText(output []byte) []byte {
	rest, found := bytes.CutPrefix(output, []byte(`"{`))
	if !found {
		return output
	}
	return append([]byte(`"\u007b`), rest...)
}

// maxFailureBytes is the size, as JSON, above which the error of a function is cut. The
// server gives a failure handler the error twice and the event, of 3 MiB at most, twice:
// with more, that call would be larger than DefaultMaxBodyBytes, and the handler would
// never run.
const maxFailureBytes = 512 << 10

// failed returns the response to a call that ended with an error, and logs the error. The
// header says whether and when the server retries.
func (c *FunctionCall) failed(status int, message string, header http.Header) *adapter.Response {
	noRetry := header.Get(headerNoRetry) == isTrue
	if noRetry && status == http.StatusInternalServerError {
		// 400 means the same as the header to whatever reads only the status.
		status = http.StatusBadRequest
	}
	body := c.failureBody(message)
	c.call.Logger.ErrorContext(c.call.Inner, "inngest: function failed", "function", c.FunctionID,
		"run_id", c.RunID, "attempt", c.Attempt, "no_retry", noRetry, "error", body.Message)
	body.Message = call.Cut(body.Message, maxFailureBytes)
	resp := failWith(c.req, status, body, noRetry)
	copyRetryHeaders(resp.Header, header)
	return resp
}

// unhandledStep is what the SDK puts before the message of a step's error that a
// function returns.
const unhandledStep = "unhandled step error: "

// failureBody returns the error that the call ended with: the step's own error and name, if
// the function returned it unchanged.
func (c *FunctionCall) failureBody(message string) errorBody {
	failed, ok := errors.AsType[inngestgo.StepError](c.err)
	if ok && failed.Message != "" && message == unhandledStep+failed.Message {
		return errorBody{Name: firstOf(failed.Name, errorName), Message: failed.Message}
	}
	return errorBody{Name: errorName, Message: message}
}

// errorMessage returns the message in the body of an error.
func errorMessage(body []byte, status int) string {
	var e errorBody
	if json.Unmarshal(body, &e) == nil && e.Message != "" {
		return e.Message
	}
	return http.StatusText(status)
}

// retryHeaders returns the headers for an error that must not be retried, or not yet.
func retryHeaders(err error) http.Header {
	header := http.Header{}
	if sdkerrors.IsNoRetryError(err) {
		header[headerNoRetry] = []string{isTrue}
	}
	if at := sdkerrors.GetRetryAtTime(err); at != nil {
		header[headerRetryAfter] = []string{at.Format(time.RFC3339)}
	}
	return header
}

func copyRetryHeaders(to, from http.Header) {
	for _, key := range []string{headerNoRetry, headerRetryAfter} {
		if v := from[key]; len(v) > 0 {
			to[key] = v
		}
	}
}
