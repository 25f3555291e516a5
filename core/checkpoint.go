package inngestkit

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/inngest/inngestgo"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/inngest/inngestgo/pkg/checkpoint"
	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/jsontype"
)

// With checkpoints a call runs several steps and sends their results meanwhile. What is
// not sent when the call ends goes out then; only what the server does not take is in
// the answer, and then it is the answer. The SDK would answer with all results that it
// has not sent, and servers plan the steps behind them one by one, or call several
// times at once.
//
// If a step or the function fails, the SDK answers with that and drops the results that
// it knows of. So the error is put off, and the call ends as if a step had handed over:
// the error is the answer once there is nothing else to answer with. For functions that
// were adopted, whose checkpoints the SDK sends, that may be in the next call.

// sdkConfig is the function's configuration as the SDK has it, which is to run step
// after step and to send no checkpoint.
func (f *function) sdkConfig() inngestgo.FunctionOpts {
	config := f.config
	if config.Checkpoint != nil {
		config.Checkpoint = &checkpoint.Config{BatchSteps: math.MaxInt, MaxRuntime: config.Checkpoint.MaxRuntime}
	}
	return config
}

// settle sends what is unsent of a call that has ended, and makes of the SDK's answer,
// which has the results of all steps that have run, what is left to say.
func settle(c *call.Call, rec *recorder) {
	var results, others []json.RawMessage
	if rec.status == http.StatusPartialContent {
		results, others = operationsBesides(c.Checkpoints, rec.body.Bytes())
	}
	keep := 0
	if len(others) == 0 && !c.Returned() && c.PutOff == nil && rec.status == http.StatusPartialContent {
		keep = 1 // the function's longest time is over: a result as the answer has it called again
	}
	left := append(c.Checkpoints.End(results, keep), others...)
	switch {
	case len(left) > 0:
		rec.replace(http.StatusPartialContent, mustJSON(left))
	case rec.status == http.StatusPartialContent:
		rec.complete(c)
	}
}

// complete makes the answer of a call that has nothing to say but the function's output.
// If the function has not returned, serve makes another one.
func (r *recorder) complete(c *call.Call) {
	output, err := jsontype.Marshal(c.Output())
	if err != nil {
		r.replace(http.StatusInternalServerError, mustJSON(errorBody{Name: errorName, Message: err.Error()}))
		return
	}
	r.replace(http.StatusOK, output)
}

// operationsBesides are the operations in an answer of the SDK but for the steps that
// checkpoints know: the results of steps of the SDK's own, and the others.
func operationsBesides(known *call.Checkpoints, answer []byte) (results, others []json.RawMessage) {
	gjson.ParseBytes(answer).ForEach(func(_, op gjson.Result) bool {
		raw := json.RawMessage(op.Raw)
		switch {
		case known.Own(op.Get("id").Str) && op.Get("op").Str == string(call.StepRun):
		case op.Get("op").Str == string(call.StepRun):
			results = append(results, raw)
		default:
			others = append(others, raw)
		}
		return true
	})
	return results, others
}

// answerPutOff answers with the error that was put off, now that there is nothing
// else to answer with.
func (f *function) answerPutOff(req *adapter.Request, c *call.Call, p *call.PutOff) *adapter.Response {
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
