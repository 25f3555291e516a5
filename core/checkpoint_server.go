package inngestkit

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/inngestkit/inngestkit/core/internal/inngestapi"
)

// checkpointing records how the server responds to checkpoints. After a refused checkpoint,
// results are sent one by one until the server accepts one again, because it makes several
// calls for several results in one response. If the server lacks the API, or does not respond,
// each result is a response, as without checkpoints.
type checkpointing struct {
	refused atomic.Bool
	lacking atomic.Int64 // when the server last lacked the API or did not respond, in Unix nanoseconds
}

const (
	// checkpointPause is how long the app then sends no checkpoints. The server may be replaced
	// by a newer one while the app runs.
	checkpointPause = time.Minute
	// slowCheckpoint tells a server, or a name server, that does not respond from one that
	// refuses, which is faster. All attempts of a checkpoint take up to 30 s.
	slowCheckpoint = 5 * time.Second
)

var errNoCheckpoints = errors.New("no checkpoints are sent for a minute, because the server lacks their API or did not respond")

// lacks reports whether the server has recently lacked the API, or has not responded.
func (s *checkpointing) lacks(now time.Time) bool {
	return now.UnixNano()-s.lacking.Load() < int64(checkpointPause)
}

// record records the result of a checkpoint that took so long.
func (s *checkpointing) record(err error, took time.Duration) {
	s.refused.Store(err != nil)
	refusal, ok := errors.AsType[*inngestapi.Error](err)
	unknown := ok && (refusal.Status == http.StatusNotFound || refusal.Status == http.StatusMethodNotAllowed)
	if unknown || (err != nil && took >= slowCheckpoint) {
		s.lacking.Store(time.Now().UnixNano())
	}
}
