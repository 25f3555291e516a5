package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// fetchTime bounds fetching the state of a run, all tries together.
	fetchTime = time.Minute
	// maxStateBytes bounds each half of the state, events and steps. The server
	// keeps at most 32 MiB of a run (DefaultMaxStateSizeLimit in its pkg/consts),
	// and encoding it anew may lengthen it.
	maxStateBytes = 64 << 20
)

// runIDPattern keeps run IDs, which come from the body of a call, from changing
// the URL they become part of. The server's are ULIDs.
var runIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var errRunID = errors.New(`the body's "ctx" has no run ID to fetch the run's state with`)

// fetchState fetches what the server left out of a call: events and steps of runs
// above 4 MiB (docs/SDK_SPEC.md, 4.4.2).
func (a *App) fetchState(ctx context.Context, e *envelope) error {
	if !runIDPattern.MatchString(e.RunID) {
		return errRunID
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTime, fmt.Errorf("it takes more than %s", fetchTime))
	defer cancel()
	run := "/v0/runs/" + e.RunID
	events, err := a.config.callAPI(ctx, apiRequest{method: http.MethodGet, path: run + "/batch", limit: maxStateBytes})
	if err != nil {
		return fmt.Errorf("fetching the run's events from %s: %w", a.config.server(), err)
	}
	steps, err := a.config.callAPI(ctx, apiRequest{method: http.MethodGet, path: run + "/actions", limit: maxStateBytes})
	if err != nil {
		return fmt.Errorf("fetching the run's steps from %s: %w", a.config.server(), err)
	}
	if err := e.setState(events, steps); err != nil {
		return fmt.Errorf("the run's state from %s: %w", a.config.server(), err)
	}
	return nil
}

// setState fills in events and steps, which are JSON, and refuses a state with
// which steps would run again or the function with another event.
func (e *envelope) setState(events, steps []byte) error {
	events = bytes.TrimSpace(events)
	first := gjson.GetBytes(events, "0")
	if events[0] != '[' || !first.IsObject() {
		return errors.New("the events are not a JSON array of objects")
	}
	var byID map[string]json.RawMessage
	if err := json.Unmarshal(steps, &byID); err != nil {
		return errors.New("the steps are not a JSON object")
	}
	for _, id := range e.stack() {
		if _, ok := byID[id]; !ok {
			return fmt.Errorf("the result of step %s is missing, though it has run; perhaps the run has ended", id)
		}
	}
	e.Event, e.Events, e.Steps = []byte(first.Raw), events, steps
	e.UseAPI = false
	return nil
}

// stack is the IDs of the steps that have run, as far as this call is to know.
func (e *envelope) stack() []string {
	var context struct {
		Stack struct {
			Stack []string `json:"stack"`
		} `json:"stack"`
	}
	_ = json.Unmarshal(e.Context, &context) // the SDK says what is wrong
	return context.Stack.Stack
}
