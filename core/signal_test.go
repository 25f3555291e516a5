package inngestkit_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

func TestSendSignal(t *testing.T) {
	t.Parallel()
	server := newAPI(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"run_id":"01J0000000000000000000000"},"metadata":{}}`)
	})
	config := cloud
	config.APIBaseURL, config.Env = server.URL, "branch"
	app, _ := newAppWith(t, config)
	require.NoError(t, app.SendSignal(t.Context(), "approve/o1", user{ID: "u1"}))
	requests, bodies := server.seen()
	require.Len(t, requests, 2)
	for i, r := range requests {
		require.Equal(t, http.MethodPost, r.Method)
		require.Equal(t, "/v1/signals", r.URL.Path)
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.Equal(t, "branch", r.Header.Get("X-Inngest-Env"))
		require.Regexp(t, `^Bearer signkey-test-[0-9a-f]{64}$`, r.Header.Get("Authorization"))
		require.JSONEq(t, `{"signal":"approve/o1","data":{"id":"u1"}}`, bodies[i])
	}
	require.NotEqual(t, requests[0].Header.Get("Authorization"), requests[1].Header.Get("Authorization"))
}

func TestSendSignalFailures(t *testing.T) {
	t.Parallel()
	nobody := response404(`{"error":"No signal found","data":null,"status":404}`)
	for _, tc := range []struct {
		name    string
		answers []answer
		message string
		nobody  bool
	}{
		{"no run waits", []answer{nobody}, `inngestkit: signal "s": no run waits for the signal`, true},
		{"no run waits any longer", []answer{failed(errors.New("connection reset")), nobody},
			`no run waits for the signal; perhaps an attempt without a response has resumed it`, true},
		{"nobody waits, said later", []answer{answered(429, ""), nobody}, `inngestkit: signal "s": no run waits for the signal`, true},
		{"wrong URL", []answer{response404("404 page not found\n")}, "the server responded with 404 Not Found: 404 page not found", false},
		{"a proxy's 404", []answer{response404(`{"message":"no route"}`)}, `404 Not Found: no route;`, false},
		{"refused", []answer{answered(400, `{"error":"Invalid signal data"}`)}, "400 Bad Request: Invalid signal data", false},
		{"down", []answer{answered(500, `{"error":"Failed to receive signal"}`)}, "500 Internal Server Error: Failed to receive signal", false},
		{"not an Inngest server", []answer{answered(200, "<html>")}, "did not come from an Inngest server", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
					func(_ *http.Request, n int) (*http.Response, error) { return tc.answers[min(n, len(tc.answers))-1]() })})
				err := app.SendSignal(t.Context(), "s", nil)
				require.ErrorContains(t, err, tc.message)
				require.Equal(t, tc.nobody, errors.Is(err, inngestkit.ErrNoSignalWaiter))
			})
		})
	}
}

func response404(body string) answer { return answered(http.StatusNotFound, body) }

func TestSendSignalRefusesBadInput(t *testing.T) {
	t.Parallel()
	app, _ := newApp(t)
	require.EqualError(t, app.SendSignal(t.Context(), "", nil), "inngestkit: signal: it has no name")
	require.ErrorContains(t, app.SendSignal(t.Context(), "s", func() {}), `inngestkit: signal "s": its data cannot be encoded`)
}

func TestSendSignalStopsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app, _ := newAppWith(t, inngestkit.Config{Dev: true, HTTPClient: fakeClient(
			func(r *http.Request, _ int) (*http.Response, error) { return hanging(0, r) })})
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("no time left"))
		defer cancel()
		start := time.Now()
		err := app.SendSignal(ctx, "s", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no time left")
		require.Equal(t, time.Second, time.Since(start))
	})
}
