package inngestapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Announcement is what a sync passes on from the request that triggered it, if any.
type Announcement struct {
	Framework  string
	SyncID     string // the server's ID of the sync
	ServerKind string // the kind of server that is to receive the sync
}

// AnnouncePath is the path of the API that takes the functions of an app.
const AnnouncePath = "/fn/register"

// Announce announces an app with the payload of a sync, in a single attempt, and reports
// whether that changed what the server knows. The error is an [*Error].
func (c *Client) Announce(ctx context.Context, payload []byte, from Announcement) (modified bool, err error) {
	r := request{
		method: http.MethodPost, to: c.api, path: AnnouncePath, body: payload,
		header: http.Header{}, limit: maxResponseBytes,
	}
	if from.SyncID != "" {
		r.path += "?" + url.Values{"deployId": {from.SyncID}}.Encode()
		r.shown = AnnouncePath
	}
	if from.Framework != "" {
		r.header.Set("X-Inngest-Framework", from.Framework)
	}
	if from.ServerKind != "" {
		r.header.Set("X-Inngest-Expected-Server-Kind", from.ServerKind)
	}
	body, failure := c.result(r, c.authorized(ctx, r))
	if failure != nil {
		return false, failure
	}
	var registered struct {
		Modified bool `json:"modified"`
	}
	if json.Unmarshal(body, &registered) != nil {
		return false, &Error{Message: notInngest}
	}
	return registered.Modified, nil
}
