package envelope

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// fetchTime bounds fetching the state of a run, including all retries.
	fetchTime = time.Minute
	// maxStateBytes bounds each half of the state, events and steps. The server stores
	// at most 32 MiB per run (DefaultMaxStateSizeLimit in its pkg/consts), and encoding
	// it again may lengthen it.
	maxStateBytes = 64 << 20
)

// runIDPattern and maxRunID keep run IDs, which come from the body of a call, from
// changing the URL they become part of. The server's are ULIDs, of 26 characters. A
// limit in the pattern would make it slow to compile, when the program starts.
var runIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const maxRunID = 64

var errRunID = errors.New(`the body's "ctx" has no valid run ID`)

// CheckRunID returns an error if RunID cannot be part of a URL of the server's API.
func (e *Envelope) CheckRunID() error {
	if len(e.RunID) > maxRunID || !runIDPattern.MatchString(e.RunID) {
		return errRunID
	}
	return nil
}

// Get requests a path of the server's API. It returns the response, which is JSON of
// at most limit bytes.
type Get func(ctx context.Context, path string, limit int64) ([]byte, error)

// FetchState fetches what the server left out of a call whose UseAPI is true: the
// events and steps of runs above 4 MiB (docs/SDK_SPEC.md, 4.4.2).
func (e *Envelope) FetchState(ctx context.Context, get Get) error {
	if err := e.CheckRunID(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTime, fmt.Errorf("it takes more than %s", fetchTime))
	defer cancel()
	run := "/v0/runs/" + e.RunID
	events, err := get(ctx, run+"/batch", maxStateBytes)
	if err != nil {
		return fmt.Errorf("the events: %w", err)
	}
	steps, err := get(ctx, run+"/actions", maxStateBytes)
	if err != nil {
		return fmt.Errorf("the steps: %w", err)
	}
	return e.setState(events, steps)
}

// setState sets events and steps, which are JSON. It rejects a state that would have
// steps run again or the function start with another event.
func (e *Envelope) setState(events, steps []byte) error {
	events = bytes.TrimSpace(events)
	first := gjson.GetBytes(events, "0")
	if events[0] != '[' || !first.IsObject() {
		return errors.New("the events are not a JSON array of objects")
	}
	var byID map[string]json.RawMessage
	if err := json.Unmarshal(steps, &byID); err != nil {
		return errors.New("the steps are not a JSON object")
	}
	for _, id := range e.stackIDs() {
		if _, ok := byID[id]; !ok {
			return fmt.Errorf("the result of step %s is missing, though it has run; perhaps the run has ended", id)
		}
	}
	e.Event, e.Events = []byte(first.Raw), events
	e.Steps, e.Results = newScanner(steps).results()
	e.UseAPI = false
	return nil
}

// stackIDs returns the IDs of the steps that have run, as far as this call is concerned.
func (e *Envelope) stackIDs() []string {
	var stack struct {
		Stack []string `json:"stack"`
	}
	_ = json.Unmarshal(e.Stack(), &stack) // the SDK reports what is wrong
	return stack.Stack
}
