package inngestapi

import (
	"context"
	"encoding/json"
	"net/http"
)

// Signal resumes the run that waits for the signal called name, with data. An Inngest
// server answers 404 if no run waits for it.
func (c *Client) Signal(ctx context.Context, name string, data json.RawMessage) error {
	body, err := json.Marshal(struct {
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data"`
	}{name, data})
	if err != nil {
		return err
	}
	_, failure := c.call(ctx, request{
		method: http.MethodPost, to: c.api, path: "/v1/signals", body: body, limit: maxResponseBytes,
	})
	if failure != nil {
		return failure
	}
	return nil
}
