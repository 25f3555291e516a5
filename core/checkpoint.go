package inngestkit

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/inngest/inngest/pkg/enums"
	sdkerrors "github.com/inngest/inngestgo/errors"
	"github.com/tidwall/gjson"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// With checkpoints a call runs several steps and sends their results on the way. What is
// unsent when the call ends is sent then. The response has only what the server did not
// take, and nothing else then. The SDK would respond with all results that it has not sent,
// and servers plan the steps after them one by one, or call several times at once.
//
// If a step or the function fails, the SDK responds with the error and drops the results
// that it knows. So the error is deferred, and the call ends as if a step had handed over:
// the error is the response once there is nothing else to respond with. For adopted
// functions, whose checkpoints the SDK sends, that may be in the next call. If a step of the
// SDK's own fails, the response is that step's error instead.

// settleCheckpoints sends what is unsent of a call that has ended. It replaces the SDK's
// response, which has the results of all steps that have run, by what the server lacks.
func (c *FunctionCall) settleCheckpoints(rec *recorder) {
	var results, others []json.RawMessage
	if rec.status == http.StatusPartialContent {
		results, others = unknownOperations(c.call.Checkpoints, rec.body.Bytes())
	}
	keep := 0
	if len(others) == 0 && !c.call.Returned() && c.call.Deferred() == nil && rec.status == http.StatusPartialContent {
		keep = 1 // the function has used its maximum runtime: a result in the response has it called again
	}
	left := append(c.call.Checkpoints.End(results, keep), others...)
	switch {
	case len(left) > 0:
		rec.replace(http.StatusPartialContent, mustJSON(left))
	case rec.status == http.StatusPartialContent:
		c.recordOutput(rec)
	}
}

// recordSDKFailure makes the error of a step of the SDK's own the response, with the results
// before it. The SDK has ended the call with that step. The results may be stand-ins.
func (c *FunctionCall) recordSDKFailure(rec *recorder) {
	if rec.status < http.StatusBadRequest {
		return
	}
	operations := c.call.SDKOperations()
	if len(operations) == 0 {
		return
	}
	switch operations[len(operations)-1].Op {
	case enums.OpcodeStepFailed:
		rec.header.Set(headerNoRetry, isTrue)
	case enums.OpcodeStepError:
	default:
		return
	}
	all := make([]any, len(operations))
	for i, op := range operations {
		all[i] = op.JSON
	}
	rec.replace(http.StatusPartialContent, mustJSON(all))
}

// recordOutput makes the function's output the response, because nothing else is left. If
// the function has not returned, response replaces it.
func (c *FunctionCall) recordOutput(rec *recorder) {
	output, err := c.call.Codec.Marshal(c.call.Output())
	if err != nil {
		rec.replace(http.StatusInternalServerError, mustJSON(errorBody{Name: errorName, Message: err.Error()}))
		return
	}
	rec.replace(http.StatusOK, output)
}

// unknownOperations returns the operations in a response of the SDK that checkpoints does
// not know: the results of steps called with the SDK's own functions, and all others.
func unknownOperations(checkpoints *call.Checkpoints, response []byte) (results, others []json.RawMessage) {
	gjson.ParseBytes(response).ForEach(func(_, op gjson.Result) bool {
		raw := json.RawMessage(op.Raw)
		switch {
		case op.Get("op").Str != string(call.StepRun):
			others = append(others, raw)
		case !checkpoints.Knows(op.Get("id").Str):
			results = append(results, raw)
		}
		return true
	})
	return results, others
}

// deferredResponse returns the response with the deferred error d, when nothing else is left
// to respond with.
func (c *FunctionCall) deferredResponse(d *call.Deferred) *adapter.Response {
	header := retryHeaders(d.Err)
	if d.Step == nil {
		message := d.Err.Error()
		if sdkerrors.IsStepError(d.Err) {
			message = unhandledStep + message // as the SDK has it
			header.Set(headerNoRetry, isTrue)
		}
		return c.failed(http.StatusInternalServerError, message, header)
	}
	op := stepError{Op: "StepError", ID: d.Step.Key(), Name: d.Step.Name}
	op.Error.errorBody = errorBody{Name: "Step error", Message: d.Err.Error()}
	op.Error.Data = d.Data
	op.Userland.ID, op.Userland.Index = d.Step.Name, d.Step.Index
	if header.Get(headerNoRetry) == isTrue || c.call.LastAttempt() {
		op.Op, op.Error.Name = "StepFailed", "Step failed"
		header.Set(headerNoRetry, isTrue)
	}
	resp := respond(c.req, http.StatusPartialContent, mustJSON([]stepError{op}))
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

// checkpoints returns what sends the results of one call, even after the caller has hung up:
// nothing else has them then.
func (f *function) checkpoints(c *call.Call, e *envelope.Envelope) *call.Checkpoints {
	started := time.Now()
	server := &f.app.checkpointing
	batch := f.config.Checkpoint.BatchSteps
	if server.refused.Load() {
		batch = 1
	}
	return &call.Checkpoints{
		Off:      server.lacks(started),
		Batch:    batch,
		Interval: f.config.Checkpoint.BatchInterval,
		Send: func(results []json.RawMessage) error {
			begun := time.Now()
			if server.lacks(begun) {
				return errNoCheckpoints
			}
			ctx, cancel := f.app.untilShutdown(context.WithoutCancel(c.Caller))
			defer cancel()
			err := e.CheckRunID()
			if err == nil {
				err = f.app.api.Checkpoint(ctx, e.RunID, e.Context, started, results)
			}
			server.record(err, time.Since(begun))
			if err != nil {
				c.Logger.WarnContext(c.Inner, "inngest: the server did not take a checkpoint; the response carries its results",
					"function", f.source.id, "run_id", e.RunID, "steps", len(results), "error", err)
			}
			return err
		},
	}
}
