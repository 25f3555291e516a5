package inngestapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// checkpoint is the body of a request with results of steps (docs/SDK_SPEC.md, 10.3.1, in
// github.com/inngest/inngest). It repeats parts of the call's context as they arrived. The
// request ID, the generation and the start let the server refuse a call that it has given
// up.
type checkpoint struct {
	RunID      json.RawMessage   `json:"run_id,omitempty"`
	FunctionID json.RawMessage   `json:"fn_id,omitempty"`
	QueueItem  json.RawMessage   `json:"qi_id,omitempty"`
	RequestID  json.RawMessage   `json:"request_id,omitempty"`
	Generation json.RawMessage   `json:"generation_id,omitempty"`
	Started    int64             `json:"request_started_at"`
	Steps      []json.RawMessage `json:"steps"`
}

// Checkpoint sends results of steps while their call runs. runID becomes part of the URL, so
// the caller has checked it. callContext is the "ctx" of the
// call's body, and started the time at which the call began.
func (c *Client) Checkpoint(
	ctx context.Context, runID string, callContext json.RawMessage, started time.Time, results []json.RawMessage,
) error {
	var sent checkpoint
	if err := json.Unmarshal(callContext, &sent); err != nil {
		return err
	}
	sent.Started, sent.Steps = started.UnixMilli(), results
	body, err := json.Marshal(sent)
	if err != nil {
		return err
	}
	_, failure := c.call(ctx, request{
		method: http.MethodPost, to: c.api, path: "/v1/checkpoint/" + runID + "/async", body: body, limit: maxResponseBytes,
		mayBeEmpty: true,
	})
	if failure != nil {
		return failure
	}
	return nil
}
