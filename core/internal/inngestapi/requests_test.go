package inngestapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/core/internal/httpclient"
)

const anyRun = "01J0000000000000000000000"

// server is a fake server that records its requests.
type server struct {
	requests []*http.Request
	answer   func(r *http.Request) (status int, body string)
	length   int64 // the Content-Length of responses, 0 if they have none
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests = append(s.requests, r)
	status, body := s.answer(r)
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: s.length}, nil
}

// client returns a client of the server with both keys.
func (s *server) client() *Client {
	return New(Options{
		HTTPClient: &http.Client{Transport: s}, Logger: slog.New(slog.DiscardHandler),
		APIBaseURL: "http://api.test", EventAPIBaseURL: "http://u:secret@events.test",
		SigningKey: "key", SigningKeyFallback: "fallback", EventKey: "event/key",
		Header: http.Header{"X-Inngest-Env": {"branch"}}, Secrets: httpclient.NewSecrets("event/key"),
	})
}

// requests are all requests that a client can make. Only what needs the signing key carries
// it.
var requests = map[string]struct {
	authorized bool
	url        string
	make       func(ctx context.Context, c *Client) error
}{
	"Register": {true, "POST http://api.test/fn/register?deployId=s1", func(ctx context.Context, c *Client) error {
		_, err := c.Announce(ctx, []byte(`{}`), Announcement{Framework: "test", SyncID: "s1", ServerKind: "dev"})
		return err
	}},
	"Signal": {true, "POST http://api.test/v1/signals", func(ctx context.Context, c *Client) error {
		return c.Signal(ctx, "s", json.RawMessage(`1`))
	}},
	"Checkpoint": {true, "POST http://api.test/v1/checkpoint/" + anyRun + "/async", func(ctx context.Context, c *Client) error {
		return c.Checkpoint(ctx, anyRun, json.RawMessage(`{}`), time.Now(), nil)
	}},
	"Get": {true, "GET http://api.test/v0/runs/" + anyRun + "/batch", func(ctx context.Context, c *Client) error {
		_, err := c.Get(ctx, "/v0/runs/"+anyRun+"/batch", 100)
		return err
	}},
	"SendEvents": {false, "POST http://u:secret@events.test/e/event%2Fkey", func(ctx context.Context, c *Client) error {
		if _, _, failure := c.SendEvents(ctx, eventsOf(`{}`)); failure != nil {
			return failure
		}
		return nil
	}},
	"Ping": {false, "GET http://events.test/health", func(ctx context.Context, c *Client) error {
		return c.Ping(ctx, newHost("http://events.test"))
	}},
	"KnownFunctions": {false, "GET http://api.test/dev", func(ctx context.Context, c *Client) error {
		_, err := c.KnownFunctions(ctx)
		return err
	}},
	"Apps": {false, "POST http://api.test/v0/gql", func(ctx context.Context, c *Client) error {
		_, err := c.Apps(ctx)
		return err
	}},
	"RemoveApp": {false, "DELETE http://api.test/fn/remove?url=http%3A%2F%2Fapp.test", func(ctx context.Context, c *Client) error {
		c.RemoveApp(ctx, "http://app.test")
		return nil
	}},
}

// Every request carries the client's headers, and the fallback key follows the signing key.
func TestRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answer: func(*http.Request) (int, string) { return http.StatusForbidden, `{"error":"no"}` }}
			err := tc.make(t.Context(), s.client())
			keys := []string{""}
			if tc.authorized {
				keys = []string{"Bearer key", "Bearer fallback"}
				require.ErrorContains(t, err, "the server responded with 403 Forbidden: no; check SigningKey")
			}
			require.Len(t, s.requests, len(keys))
			for i, key := range keys {
				require.Equal(t, tc.url, s.requests[i].Method+" "+s.requests[i].URL.String())
				bearer := s.requests[i].Header.Get("Authorization")
				if !strings.HasPrefix(bearer, "Bearer ") {
					bearer = "" // net/http sends the password of a URL as Basic
				}
				require.Equal(t, key, bearer)
				require.Equal(t, "branch", s.requests[i].Header.Get("X-Inngest-Env"))
			}
		})
	}
}

// The requests that nothing else repeats are retried.
func TestWhatIsRetried(t *testing.T) {
	t.Parallel()
	attempts := map[string]int{"Signal": maxAttempts, "Checkpoint": maxAttempts, "Get": maxAttempts}
	for name, tc := range requests {
		if name == "SendEvents" {
			continue // for as long as there is time; see TestRetriesEnd
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(*http.Request) (int, string) { return http.StatusTooManyRequests, "" }}
				_ = tc.make(t.Context(), s.client())
				require.Len(t, s.requests, max(attempts[name], 1))
			})
		})
	}
}

// What does not come from an Inngest server is not mistaken for its response.
func TestErrorsOfOtherServers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		body    string
		inngest bool
		want    string
	}{
		"Inngest": {404, `{"error":"no such signal"}`, true, "the server responded with 404 Not Found: no such signal"},
		"a gateway": {404, `{"message":"no route"}`, false, "the server responded with 404 Not Found: no route; " +
			"http://api.test does not look like an Inngest server: POST /v1/signals responded with 404 Not Found; check BaseURL (INNGEST_BASE_URL)"},
		"a page":         {400, " <html>\n", false, "the server responded with 400 Bad Request: <html>"},
		"a long page":    {400, strings.Repeat("x", 2*maxQuoted), false, "the server responded with 400 Bad Request: " + strings.Repeat("x", maxQuoted)},
		"a good page":    {200, "<html>", false, "the server responded with 200 OK: " + notInngest},
		"an odd status":  {499, "", false, "the server responded with 499"},
		"an empty error": {400, `{"error":""}`, false, `the server responded with 400 Bad Request: {"error":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answer: func(*http.Request) (int, string) { return tc.status, tc.body }}
			err := s.client().Signal(t.Context(), "s", json.RawMessage(`1`))
			require.EqualError(t, err, tc.want)
			failure, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			require.Equal(t, tc.inngest, failure.FromInngest)
			require.Equal(t, tc.status, failure.Status)
		})
	}
}

// Errors about sending events show neither the event key nor a password, even if the response has
// them. They show only the server's explanation: other responses may repeat the whole request.
func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		body    string
		message string
		cure    string
	}{
		"not found": {404, "", "", "@events.test does not look like an Inngest server: POST /e/<event key> responded with 404 Not Found"},
		"explained": {400, `{"error":"no app has the key event/key"}`, "no app has the key …", ""},
		"a page":    {502, "<html>POST /e/event%2Fkey", "", ""},
		"a gateway": {502, `{"message":"POST /e/event%2Fkey"}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: func(*http.Request) (int, string) { return tc.status, tc.body }}
				_, _, failure := s.client().SendEvents(t.Context(), eventsOf(`{}`))
				require.Equal(t, tc.message, failure.Message)
				require.Contains(t, failure.Cure, tc.cure)
				for _, secret := range []string{"secret", "event/key", "event%2Fkey"} {
					require.NotContains(t, failure.Cure+failure.Error(), secret)
				}
			})
		})
	}
}

func TestKnownFunctions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   map[string][]string
		none   bool // it is not a dev server
	}{
		"functions": {200, `{"functions":[{"slug":"app-a","steps":[{"uri":"http://app.test/x?fnId=app-a&step=step&k=v"},{"uri":"%"}]},{"slug":"app-b"}]}`,
			map[string][]string{"app-a": {"http://app.test/x?k=v", "%"}, "app-b": nil}, false},
		"none":           {200, `{"functions":[]}`, map[string][]string{}, false},
		"no list":        {200, `{}`, nil, true},
		"a page":         {200, `<html>`, nil, true},
		"another server": {404, ``, nil, true},
		"a proxy":        {502, ``, nil, false},
		"a self-hosted":  {401, `{"error":"no"}`, nil, true},
		"too large":      {200, strings.Repeat(" ", maxInfoBytes+1), nil, true},
		"a redirect":     {304, ``, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{answer: func(*http.Request) (int, string) { return tc.status, tc.body }}
			got, err := s.client().KnownFunctions(t.Context())
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.none, errors.Is(err, ErrNoDevServer), "%v", err)
			require.Equal(t, tc.want == nil, err != nil)
		})
	}
}

func TestKnownFunctionsAreTooLarge(t *testing.T) {
	t.Parallel()
	s := &server{answer: func(*http.Request) (int, string) { return http.StatusOK, "{}" }, length: maxInfoBytes + 1}
	_, err := s.client().KnownFunctions(t.Context())
	require.EqualError(t, err, "this is not a dev server: the response has more than 67108864 bytes")
	require.ErrorIs(t, err, ErrNoDevServer)
}
