package inngesttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// eventPath is where events are sent to, followed by the event key.
const eventPath = "/e/"

// devEventKey is sent in dev mode without a key of its own; the server takes any.
const devEventKey = "test"

// Send sends one event, past any SDK, and returns the ID that the server gave
// it. data is encoded as JSON and must come out as an object; nil is an empty
// one.
func (s *Server) Send(ctx context.Context, name string, data any) (eventID string, err error) {
	key := s.cfg.EventKey
	if key == "" {
		key = devEventKey
	}
	if data == nil {
		data = struct{}{}
	}
	event := struct {
		Name string `json:"name"`
		Data any    `json:"data"`
	}{name, data}
	var answer struct {
		IDs []string `json:"ids"`
	}
	if err := s.Do(ctx, http.MethodPost, eventPath+key, event, &answer); err != nil {
		return "", fmt.Errorf("sending event %q: %w", name, err)
	}
	if len(answer.IDs) != 1 || answer.IDs[0] == "" {
		return "", errors.New("inngesttest: Inngest server: it took the event " + name + " and gave it no ID")
	}
	return answer.IDs[0], nil
}
