package inngestkit

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// With checkpoints a call runs several steps. If it then comes to an error, the SDK
// answers with that and drops the results that it has not sent yet: their steps
// would run again. So the error is put off, and the call ends as if a step had
// handed over. If there are results to be sent, they are the answer, and the next
// call comes to the error with nothing else to say. If there are none, the error is
// the answer after all.

// answerPutOff answers with the error that was put off, now that there is nothing
// else to answer with.
func (f *function) answerPutOff(req *Request, c *call.Call, p *call.PutOff) *Response {
	header := http.Header{}
	noRetry := sdkerrors.IsNoRetryError(p.Err)
	if at := sdkerrors.GetRetryAtTime(p.Err); at != nil {
		header.Set(inngestgo.HeaderKeyRetryAfter, at.Format(time.RFC3339))
	}
	if p.Step == nil {
		message := p.Err.Error()
		if sdkerrors.IsStepError(p.Err) {
			message, noRetry = unhandledStep+message, true // as the SDK has it
		}
		if noRetry {
			header.Set(headerNoRetry, isTrue)
		}
		return f.failed(req, c, http.StatusInternalServerError, message, header)
	}
	op := stepError{Op: "StepError", ID: p.Step.Key(), Name: p.Step.Name}
	op.Error.errorBody = errorBody{Name: "Step error", Message: p.Err.Error()}
	op.Error.Data = p.Data
	op.Userland.ID, op.Userland.Index = p.Step.Name, p.Step.Index
	if noRetry || (c.MaxAttempts > 0 && c.Attempt+1 >= c.MaxAttempts) {
		op.Op, op.Error.Name = "StepFailed", "Step failed"
		header.Set(headerNoRetry, isTrue)
	}
	resp := respond(req, http.StatusPartialContent, mustJSON([]stepError{op}))
	copyRetryHeaders(resp.Header, header)
	return resp
}

// stepError is the operation that reports the error of a step; see
// docs/SDK_SPEC.md, 5.3.2.
type stepError struct {
	Op    string `json:"op"`
	ID    string `json:"id"`
	Name  string `json:"name"`
	Error struct {
		errorBody

		Data json.RawMessage `json:"data,omitempty"`
	} `json:"error"`
	Userland struct {
		ID    string `json:"id"`
		Index int    `json:"index,omitempty"`
	} `json:"userland"`
}
