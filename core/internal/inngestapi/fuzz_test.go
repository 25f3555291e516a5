package inngestapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzResponse has a server, or whatever listens at its address, respond with any status
// and body. No response makes the client claim more than it says, or show the event key.
func FuzzResponse(f *testing.F) {
	for _, body := range []string{
		`{"ids":["e1","e2"],"status":200}`, `{"ids":["e1"]}`, `{"ids":["e1","e2","e3"]}`, `{"ids":["",""]}`, `{"ids":null}`, `{"error":"no","status":401}`,
		`{"message":"no"}`, `{"modified":true}`, `<html>`, ``, `null`, `[]`, "\xff", `{"ids":`, `{"ids":[1,2]}`, strings.Repeat("[", 1000),
	} {
		for _, status := range []uint16{200, 202, 204, 301, 400, 401, 403, 413, 429, 500, 503} {
			f.Add(status, []byte(body), "1")
		}
	}
	f.Add(uint16(503), []byte(nil), "99999999999999999999")
	f.Add(uint16(429), []byte(nil), "-1")
	f.Fuzz(func(t *testing.T, status uint16, body []byte, retryAfter string) {
		if status < http.StatusOK || status > 599 {
			return
		}
		// The context ends with the first response, so that no retry waits.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := New(Options{
			HTTPClient: &http.Client{Transport: transport(func(req *http.Request) (*http.Response, error) {
				defer cancel()
				return &http.Response{StatusCode: int(status), Body: io.NopCloser(bytes.NewReader(body)), Request: req,
					Header: http.Header{"Retry-After": {retryAfter}}}, nil
			})},
			Logger: slog.New(slog.DiscardHandler), EventKey: "the-event-key", Header: http.Header{},
			APIBaseURL: "http://server.test", EventAPIBaseURL: "http://server.test",
		})
		ids, uncertain, failure := c.SendEvents(ctx, eventsOf(`{"name":"a"}`, `{"name":"b"}`))
		require.LessOrEqual(t, len(ids)+uncertain, 2)
		if failure == nil {
			require.Len(t, ids, 2)
			require.Less(t, status, uint16(300))
			require.True(t, json.Valid(body))
		} else {
			require.NotContains(t, failure.Error(), "the-event-key")
			require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
		}
		modified, failed := c.Announce(t.Context(), []byte("{}"), Announcement{})
		if modified {
			require.NoError(t, failed)
			require.Less(t, status, uint16(300))
		}
	})
}
