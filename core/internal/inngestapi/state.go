package inngestapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

const (
	// fetchTime bounds fetching the state of a run, including all retries.
	fetchTime = time.Minute
	// maxStateBytes bounds each half of the state, events and steps. The server keeps at
	// most 32 MiB of a run (DefaultMaxStateSizeLimit in its pkg/consts), and encoding it
	// again may make it longer.
	maxStateBytes = 64 << 20
)

// runIDPattern keeps run IDs, which arrive in the body of a call, from changing the URL
// that they become part of. The server's are ULIDs.
var runIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var errRunID = errors.New(`the body's "ctx" has no run ID`)

// RunState fetches the events and the memoized steps of a run, which are JSON
// (docs/SDK_SPEC.md, 4.4.2, in github.com/inngest/inngest).
func (c *Client) RunState(ctx context.Context, runID string) (events, steps []byte, err error) {
	if !runIDPattern.MatchString(runID) {
		return nil, nil, fmt.Errorf("%w to fetch the run's state with", errRunID)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTime, fmt.Errorf("it takes more than %s", fetchTime))
	defer cancel()
	fetch := func(what, path string) ([]byte, error) {
		r := request{method: http.MethodGet, to: c.api, path: "/v0/runs/" + runID + path, limit: maxStateBytes}
		body, failure := c.call(ctx, r)
		if failure != nil {
			return nil, fmt.Errorf("fetching the run's %s from %s: %w", what, c.api, failure)
		}
		return body, nil
	}
	if events, err = fetch("events", "/batch"); err != nil {
		return nil, nil, err
	}
	if steps, err = fetch("steps", "/actions"); err != nil {
		return nil, nil, err
	}
	return events, steps, nil
}
