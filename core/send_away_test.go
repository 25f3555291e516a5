package inngestkit_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// Without a server, Send logs it long before giving up, and its error mentions more than the
// timeout.
func TestSendWithoutAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := true
		client := fakeClient(func(*http.Request, int) (*http.Response, error) {
			if away {
				return nil, notListening()
			}
			return response(http.StatusOK, `{"ids":["id1"]}`, nil), nil
		})
		app, l := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: "http://u:a-password@server.test", HTTPClient: client})
		failed := make(chan error, 1)
		go func() {
			_, err := app.Send(t.Context(), signedUp.New(user{}))
			failed <- err
		}()
		synctest.Wait()
		shown := redacted(t, "http://u:a-password@server.test")
		require.Contains(t, l.String(), `level=WARN msg="inngest: events are not sent yet: nothing listens at the server's URL; `+
			`retrying for up to 30s; is the dev server running at `+shown+`? Start it with inngest-dev (or npx inngest-cli@latest dev)`)
		err := <-failed
		require.EqualError(t, err, "inngestkit: send: the event was not sent: dial tcp: connection refused; "+
			"is the dev server running at "+shown+"? Start it with inngest-dev (or npx inngest-cli@latest dev), or check BaseURL (INNGEST_BASE_URL)")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = app.Send(ctx, signedUp.New(user{}), signedUp.New(user{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.ErrorContains(t, err, "the events were not sent: context deadline exceeded, after dial tcp: connection refused; is the dev server running")
		require.Equal(t, http.StatusGatewayTimeout, inngestkit.SendStatus(err))
		require.Equal(t, 1, strings.Count(l.String(), "level=WARN"), "one line for one outage")

		away = false
		_, err = app.Send(t.Context(), signedUp.New(user{}))
		require.NoError(t, err)
		away = true
		_, err = app.Send(ctx, signedUp.New(user{}))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = app.Send(t.Context(), signedUp.New(user{}))
		require.Error(t, err)
		require.Equal(t, 2, strings.Count(l.String(), "level=WARN"), "another outage")
		require.NotContains(t, l.String(), "a-password")
	})
}

// Send distinguishes a wrong URL from a server that refuses the events.
func TestResponsesOfOtherServers(t *testing.T) {
	t.Parallel()
	const wrong = "http://server.test does not look like an Inngest server: POST %s responded with 404 Not Found; check BaseURL (INNGEST_BASE_URL)"
	for _, tc := range []struct {
		name         string
		status       int
		body         string
		send, signal string
		sync         string
	}{
		{
			"another server", http.StatusNotFound, "404 page not found",
			"the event was not sent: the server responded with 404 Not Found; " + strings.ReplaceAll(wrong, "%s", "/e/<event key>"),
			strings.ReplaceAll(wrong, "%s", "/v1/signals"), strings.ReplaceAll(wrong, "%s", "/fn/register"),
		},
		{
			"a web page", http.StatusOK, "<html>",
			"it is not certain whether the event was sent: the server responded with 200 OK: the response did not come from an Inngest server",
			"did not come from an Inngest server", "did not come from an Inngest server",
		},
		{
			"a refusal", http.StatusNotFound, `{"error":"no such environment"}`,
			"the event was not sent: the server responded with 404 Not Found: no such environment", "no run waits", ": no such environment",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app, _ := newAppWith(t, inngestkit.Config{Dev: true, BaseURL: "http://server.test", HTTPClient: fakeClient(
				func(*http.Request, int) (*http.Response, error) { return response(tc.status, tc.body, nil), nil },
			)}, onSignUp(hello))
			app.MountedAt("test", "/api/inngest")
			_, err := app.Send(t.Context(), signedUp.New(user{}))
			require.ErrorContains(t, err, tc.send)
			require.ErrorContains(t, app.SendSignal(t.Context(), "s", nil), tc.signal)
			require.ErrorContains(t, app.Sync(t.Context()), tc.sync)
			if tc.name == "a refusal" {
				require.NotContains(t, err.Error(), "BaseURL")
			}
		})
	}
}

// The error about a single event is in the singular.
func TestSendErrorOfOneEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
			func(*http.Request, int) (*http.Response, error) { return nil, errors.New("connection reset") })})
		_, err := app.Send(t.Context(), signedUp.New(user{}))
		require.EqualError(t, err, "inngestkit: send: it is not certain whether the event was sent: connection reset")
	})
}
