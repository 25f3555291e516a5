package inflight

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	http.DefaultClient.Transport = readingBodies{http.DefaultTransport}
	testsite.VerifyTestMain(m)
}

// readingBodies reads the bodies of responses, because the SDK does not close them after
// a sync and would leak the connections.
type readingBodies struct{ http.RoundTripper }

func (t readingBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// A run begins on the bare SDK and ends natively, or the reverse, whichever call of the run is
// the first one on the other side. It completes with the same output, and no step runs again.
func TestRunsInFlight(t *testing.T) {
	t.Parallel()
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		t.Cleanup(transport.CloseIdleConnections) // of the SDK
	}
	server := testsite.NewServer(t)
	for i := range rows {
		r := &rows[i]
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for call := 2; call <= r.calls; call++ {
				inFlight(t, server, r, fmt.Sprint("to-inngestkit-at-call-", call), switchAt(call, onSDK, native))
				inFlight(t, server, r, fmt.Sprint("back-to-the-SDK-at-call-", call), switchAt(call, native, onSDK))
			}
			// The sides take turns, as behind a load balancer while instances are replaced.
			inFlight(t, server, r, "in-turns", func(call int) side { return side(call % sides) })
			inFlight(t, server, r, "in-turns-backwards", func(call int) side { return sides - 1 - side(call%sides) })
		})
	}
}

// switchAt returns a pick that lets after serve all calls from the given one on.
func switchAt(call int, before, after side) func(call int) side {
	return func(n int) side {
		if n < call {
			return before
		}
		return after
	}
}

func inFlight(t *testing.T, server *devserver.Server, r *row, name string, pick func(call int) side) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		testRun(t, server, r, name+"-"+r.name, pick)
	})
}

func testRun(t *testing.T, server *devserver.Server, r *row, appID string, pick func(call int) side) {
	t.Helper()
	s := newSite(t, server, appID, r, pick)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), appID+"-"+r.name, appID+"-callee"))
	eventID := testsite.Send(t, s.app, s.define(r.name).New(order{ID: "o1", Total: 42}))
	if r.drive != nil {
		r.drive(t, s, eventID)
	}
	run := testsite.Ended(t, server, eventID, testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, r.output, string(run.Output))
	for id, count := range r.counts {
		require.Equal(t, count, s.counter.Of(id), "%s", id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Greater(t, len(s.served), 1, "only one side takes part")
	require.GreaterOrEqual(t, s.calls, r.calls)
	if r.checkpoint && server.Version() != devserver.OldestVersion {
		require.Less(t, s.calls, len(r.counts)+2, "a call runs one step only")
	}
}
