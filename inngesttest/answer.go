package inngesttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answerRequest returns the outcome of a stub as the response to the request of step.Fetch or
// step.Infer.
func answerRequest(r *http.Request, stub *Stub, in StepInput) (*http.Response, error) {
	status, body := stub.outcome.status, stub.outcome.body
	if stub.outcome.kind != "Responds" {
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
	contentType := "text/plain; charset=utf-8"
	if json.Valid(body) {
		contentType = "application/json"
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)), Request: r,
	}, nil
}
