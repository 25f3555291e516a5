package devserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// eventPath is the path for sending events, followed by the event key.
const eventPath = "/e/"

// devEventKey is the event key in dev mode if none is configured; the server accepts
// any.
const devEventKey = "test"

// Send sends one event, without an SDK, and returns the ID that the server assigned.
// data is encoded as JSON and must become an object; nil means an empty object.
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
		return "", errors.New("devserver: Inngest server: it accepted the event " + name + " without returning an ID")
	}
	return answer.IDs[0], nil
}
