package inngestkit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/call"
	"github.com/inngestkit/inngestkit/core/internal/envelope"
)

// checkpoints sends the results of one call, also if the caller has hung up: nobody
// else knows of them then.
func (f *function) checkpoints(c *call.Call, e *envelope.Envelope) *call.Checkpoints {
	started, ctx := time.Now(), context.WithoutCancel(c.Caller)
	server := &f.app.checkpointing
	batch := f.config.Checkpoint.BatchSteps
	if server.refuses.Load() {
		batch = 1
	}
	return &call.Checkpoints{
		Off:      server.lacks(started),
		Batch:    batch,
		Interval: f.config.Checkpoint.BatchInterval,
		Send: func(results []json.RawMessage) error {
			err := f.app.config.sendCheckpoint(ctx, e, started, results)
			server.learn(err)
			if err != nil {
				c.Logger.WarnContext(c.Inner, "inngest: the server did not take a checkpoint; its results are the call's answer",
					"function", f.source.id, "run_id", e.RunID, "steps", len(results), "error", err)
			}
			return err
		},
	}
}

// checkpointing is what an app has learned about checkpoints from its server. If the
// server has not taken the last one, results go out one by one, until it takes one
// again: for several in one answer, servers make several calls. For a server without
// the API, each result is an answer, as without checkpoints.
type checkpointing struct {
	refuses atomic.Bool
	none    atomic.Int64 // when it last said that it lacks the API, in Unix nanoseconds
}

// askAgain is how long a server that has no API for checkpoints is not asked again. It
// may be replaced by a newer one while the app runs.
const askAgain = time.Minute

// lacks reports whether the server has said lately that it takes no checkpoints.
func (s *checkpointing) lacks(now time.Time) bool {
	return now.UnixNano()-s.none.Load() < int64(askAgain)
}

// learn takes note of what came of a checkpoint.
func (s *checkpointing) learn(err error) {
	s.refuses.Store(err != nil)
	refusal, ok := errors.AsType[*apiError](err)
	if ok && (refusal.status == http.StatusNotFound || refusal.status == http.StatusMethodNotAllowed) {
		s.none.Store(time.Now().UnixNano())
	}
}

// checkpointRequest sends results of steps; docs/SDK_SPEC.md, 10.3.1. What of the
// call's context it repeats is left as it came. The request ID, the generation and the
// start let the server refuse a call that it has given up.
type checkpointRequest struct {
	RunID      json.RawMessage   `json:"run_id,omitempty"`
	FunctionID json.RawMessage   `json:"fn_id,omitempty"`
	QueueItem  json.RawMessage   `json:"qi_id,omitempty"`
	RequestID  json.RawMessage   `json:"request_id,omitempty"`
	Generation json.RawMessage   `json:"generation_id,omitempty"`
	Started    int64             `json:"request_started_at"`
	Steps      []json.RawMessage `json:"steps"`
}

func (c Config) sendCheckpoint(ctx context.Context, e *envelope.Envelope, started time.Time, results []json.RawMessage) error {
	if err := e.CheckRunID(); err != nil {
		return err
	}
	var request checkpointRequest
	if err := json.Unmarshal(e.Context, &request); err != nil {
		return err
	}
	request.Started, request.Steps = started.UnixMilli(), results
	_, err := c.callAPI(ctx, apiRequest{
		method: http.MethodPost, path: "/v1/checkpoint/" + e.RunID + "/async", body: mustJSON(request),
		limit: maxAnswerBytes, mayBeEmpty: true,
	})
	if err != nil {
		return err
	}
	return nil
}
