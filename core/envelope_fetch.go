package inngestkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidwall/gjson"
)

// fetchState fetches what the server left out of a call: events and steps of runs above
// 4 MiB (docs/SDK_SPEC.md, 4.4.2).
func (a *App) fetchState(ctx context.Context, e *envelope) error {
	events, steps, err := a.api.RunState(ctx, e.RunID)
	if err != nil {
		return err
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
