package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// batch is how many events are sent in one request.
const batch = 100

// Runs that sleep cost the app nothing, and all of them wake up.
func TestSleepingRuns(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Config{Framework: "nethttp", Backend: backend(t)})
	sender, process := newSender(t, l), l.Processes[0]
	send(t, sender, app.Once, callers, app.Data{Item: "load"}) // memory grows to what calls need
	await(t, l, lab.Finished, "once", callers)
	before := process.Gauge(t)
	begun := time.Now()
	send(t, sender, app.Naps, *loadRuns, app.Data{Item: "load", Nap: int(loadNap.Milliseconds())})
	t.Logf("sent %d events in %s", *loadRuns, time.Since(begun).Round(time.Millisecond))
	await(t, l, lab.Finished, "before", *loadRuns)
	t.Logf("after %s %d sleep at the same time: %+v", time.Since(begun).Round(time.Millisecond),
		*loadRuns-l.Ledger.Count(lab.Started, "after"), process.Gauge(t))
	awaitAsleep(t, l, lab.Finished, "after", *loadRuns, *loadNap)
	t.Logf("all have ended after %s", time.Since(begun).Round(time.Millisecond))
	require.Equal(t, *loadRuns, l.Ledger.Count(lab.Started, "before"), "steps started")
	require.Equal(t, *loadRuns, l.Ledger.Count(lab.Started, "after"), "steps started")
	gauges{before, process.Gauge(t)}.requireFlat(t, process)
}

// Events that are sent in bulk all arrive: each starts a run.
func TestBulkSend(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Config{Framework: "nethttp", Backend: backend(t)})
	sender := newSender(t, l)
	n := 10 * *loadRuns
	begun := time.Now()
	send(t, sender, app.Once, n, app.Data{Item: "load"})
	sent := time.Since(begun)
	t.Logf("sent %d events in %s, %d/s", n, sent.Round(time.Millisecond), int(float64(n)/sent.Seconds()))
	await(t, l, lab.Finished, "once", n)
	t.Logf("all runs after %s", time.Since(begun).Round(time.Millisecond))
	require.Equal(t, n, l.Ledger.Count(lab.Started, "once"), "steps started")
}

// send sends n events, and requires an ID for each, no two of them equal.
func send(t *testing.T, sender *inngestkit.App, name string, n int, data app.Data) {
	t.Helper()
	event, ids := inngestkit.DefineEvent[app.Data](name), map[string]bool{}
	for range (n + batch - 1) / batch {
		events := make([]inngestkit.AnyEvent, min(batch, n-len(ids)))
		for i := range events {
			events[i] = event.New(data)
		}
		sent, err := sender.Send(t.Context(), events...)
		require.NoError(t, err)
		require.Len(t, sent, len(events))
		for _, id := range sent {
			ids[id] = true
		}
	}
	require.Len(t, ids, n)
}

// await waits for n entries, for as long as the ledger changes at least once a minute.
func await(t *testing.T, l *lab.Lab, kind lab.Kind, step string, n int) {
	t.Helper()
	awaitAsleep(t, l, kind, step, n, 0)
}

// awaitAsleep is await for steps before which all runs may sleep at the same time.
func awaitAsleep(t *testing.T, l *lab.Lab, kind lab.Kind, step string, n int, nap time.Duration) {
	t.Helper()
	patience := nap + time.Minute
	for {
		seen := l.Ledger.Count(kind, step)
		if seen >= n {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		grown := l.Ledger.AwaitMore(ctx, kind, step, seen)
		cancel()
		require.True(t, grown, "%d of %d entries %q for step %q, and no more for %s", seen, n, kind, step, patience)
	}
}
