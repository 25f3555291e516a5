package testsite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// Timeout is how long a test waits for something that usually happens at once. It is
// long enough for a busy machine.
const Timeout = time.Minute

// Within returns a context for one wait, with [Timeout].
func Within(t *testing.T) context.Context {
	t.Helper()
	return WithinTime(t, Timeout)
}

// WithinTime returns a context for one wait of up to d.
func WithinTime(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Eventually calls ask at an interval until it returns true, for up to [Timeout].
func Eventually(t *testing.T, every time.Duration, ask func() bool) {
	t.Helper()
	limit := Within(t)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ask() {
		select {
		case <-tick.C:
		case <-limit.Done():
			require.Fail(t, "it never happened")
		}
	}
}

// Send sends one event and returns its ID.
func Send(t *testing.T, app *inngestkit.App, event inngestkit.AnyEvent) (eventID string) {
	t.Helper()
	ids, err := app.Send(Within(t), event)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

// Ended waits up to d for the end of the only run that an event triggers.
func Ended(t *testing.T, server *devserver.Server, eventID string, d time.Duration) devserver.Run {
	t.Helper()
	runs, err := server.AwaitRuns(WithinTime(t, d), eventID, 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	return runs[0]
}
