package engine

import (
	"encoding/json"
	"strconv"

	"github.com/inngestkit/inngestkit/inngesttest/internal/version"
)

// maxRequest is the size of a call in bytes above which the server leaves out the state
// (MaxSDKRequestBodySize in pkg/consts), and requestReserve is what it keeps for the rest.
const (
	maxRequest     = 4 << 20
	requestReserve = 1024
)

// callBody is the body of a call, in canonical form.
type callBody struct {
	json []byte
	// flag is where json has the value of disable_immediate_execution.
	flag int
	plan bool
}

// withPlan returns the body of the same call with another disable_immediate_execution.
func (b *callBody) withPlan(plan bool) []byte {
	if plan == b.plan {
		return b.json
	}
	old, value := strconv.FormatBool(b.plan), strconv.FormatBool(plan)
	body := make([]byte, 0, len(b.json)+1)
	body = append(body, b.json[:b.flag]...)
	body = append(body, value...)
	return append(body, b.json[b.flag+len(old):]...)
}

// body returns the body of a call with a plan (MarshalV1 in pkg/execution/driver of the server).
func (e *Engine) body(it *item, p plan) *callBody {
	run := it.run
	b := e.encode(it, p, run.batch, run.size > maxRequest-requestReserve)
	if 6*len(b.json) > maxRequest && storedSize(b.json) > maxRequest {
		// The first event stays, however large it is.
		b = e.encode(it, p, json.RawMessage("[]"), true)
	}
	return b
}

// encode assembles a body. Without the state, the app requests it from the server's API.
func (e *Engine) encode(it *item, p plan, events json.RawMessage, useAPI bool) *callBody {
	run := it.run
	size := len(run.first) + len(events) + len(run.stackJSON) + 600
	if !useAPI {
		size += run.partsLen
	}
	buf := make([]byte, 0, size)
	buf = append(buf, `{"ctx":{"attempt":`...)
	buf = strconv.AppendInt(buf, int64(it.attempt), 10)
	buf = append(buf, `,"disable_immediate_execution":`...)
	flag := len(buf)
	buf = strconv.AppendBool(buf, p.forced)
	buf = append(buf, `,"env":"","fn_id":`...)
	buf = append(buf, quote(run.Function.ID)...)
	newest := e.cfg.Version != version.Oldest
	if newest {
		buf = append(append(buf, `,"generation_id":1,"job_id":`...), it.job...)
	}
	buf = append(buf, `,"max_attempts":`...)
	buf = strconv.AppendInt(buf, int64(run.Function.MaxAttempts), 10)
	if newest {
		buf = append(append(buf, `,"qi_id":`...), it.job...)
		buf = append(append(buf, `,"request_id":`...), quote(e.ulid(e.clock.now()))...)
	}
	buf = append(append(buf, `,"run_id":`...), quote(run.ID)...)
	buf = append(buf, `,"stack":{"current":`...)
	buf = strconv.AppendInt(buf, int64(run.position(it.after)), 10)
	buf = append(append(buf, `,"stack":`...), run.stackJSON...)
	buf = append(buf, `]},"step_id":"step","use_api":`...)
	buf = strconv.AppendBool(buf, useAPI)
	buf = append(buf, '}')
	if newest {
		buf = append(buf, `,"defers":{}`...)
	}
	buf = append(append(buf, `,"event":`...), run.first...)
	buf = append(append(buf, `,"events":`...), events...)
	buf = append(buf, `,"steps":{`...)
	if !useAPI {
		buf = run.appendSteps(buf)
	}
	buf = append(buf, `},"use_api":`...)
	buf = strconv.AppendBool(buf, useAPI)
	buf = append(buf, `,"version":`...)
	buf = strconv.AppendInt(buf, int64(p.protocol), 10)
	return &callBody{json: append(buf, '}'), flag: flag, plan: p.forced}
}

// appendSteps appends the results of all finished steps, without the braces around them.
func (r *Run) appendSteps(buf []byte) []byte {
	for i := range r.parts {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, r.parts[i].json...)
	}
	return buf
}

// batchOf returns the events of a run, which the app requests at /v0/runs/{id}/batch, and
// false if the server does not know the run.
func (e *Engine) batchOf(runID string) ([]byte, bool) {
	run := e.active[runID]
	if run == nil {
		return nil, false
	}
	return run.batch, true
}

// actionsOf is batchOf for the results of the steps, at /v0/runs/{id}/actions.
func (e *Engine) actionsOf(runID string) ([]byte, bool) {
	run := e.active[runID]
	if run == nil {
		return nil, false
	}
	buf := make([]byte, 0, run.partsLen+2)
	return append(run.appendSteps(append(buf, '{')), '}'), true
}
