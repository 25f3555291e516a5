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
	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// checkpoints returns what sends the results of one call, even after the caller has hung up:
// nothing else has them then.
func (f *function) checkpoints(c *call.Call, e *envelope.Envelope) *call.Checkpoints {
	started, ctx := time.Now(), context.WithoutCancel(c.Caller)
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
			err := e.CheckRunID()
			if err == nil {
				err = f.app.api.Checkpoint(ctx, e.RunID, e.Context, started, results)
			}
			server.record(err)
			if err != nil {
				c.Logger.WarnContext(c.Inner, "inngest: the server did not take a checkpoint; the response carries its results",
					"function", f.source.id, "run_id", e.RunID, "steps", len(results), "error", err)
			}
			return err
		},
	}
}

// checkpointing records how the server responds to checkpoints. After a refused checkpoint,
// results are sent one by one until the server accepts one again, because it makes several
// calls for several results in one response. If the server lacks the API, each result is a
// response, as without checkpoints.
type checkpointing struct {
	refused atomic.Bool
	lacking atomic.Int64 // when the server last reported that it lacks the API, in Unix nanoseconds
}

// checkpointPause is how long the app sends no checkpoints to a server that lacks the API.
// The server may be replaced by a newer one while the app runs.
const checkpointPause = time.Minute

// lacks reports whether the server has recently reported that it lacks the API.
func (s *checkpointing) lacks(now time.Time) bool {
	return now.UnixNano()-s.lacking.Load() < int64(checkpointPause)
}

// record records the result of a checkpoint.
func (s *checkpointing) record(err error) {
	s.refused.Store(err != nil)
	refusal, ok := errors.AsType[*inngestapi.Error](err)
	if ok && (refusal.Status == http.StatusNotFound || refusal.Status == http.StatusMethodNotAllowed) {
		s.lacking.Store(time.Now().UnixNano())
	}
}
