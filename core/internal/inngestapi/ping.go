package inngestapi

import (
	"context"
	"fmt"
	"net/http"
)

// Hosts returns the host of the API, and that of the API for events if it is another one.
func (c *Client) Hosts() []Host {
	if c.events.base == c.api.base {
		return []Host{c.api}
	}
	return []Host{c.api, c.events}
}

// Ping requests a response below 500 from a host, without a key. The path is the server's
// (pkg/api/api.go in its source). Inngest Cloud and proxies may answer 404, which shows as
// well that the host is up.
func (c *Client) Ping(ctx context.Context, h Host) error {
	resp := c.do(ctx, request{method: http.MethodGet, to: h, path: "/health"}, "")
	if resp.err != nil {
		return resp.err
	}
	if resp.status >= http.StatusInternalServerError {
		return fmt.Errorf("it responded with %s", statusText(resp.status))
	}
	return nil
}
