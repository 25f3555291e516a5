package load_test

import (
	"context"
	"maps"
	"slices"
	"strings"
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
	ids := send(t, sender, app.Naps, *loadRuns, app.Data{Item: "load", Nap: int(loadNap.Milliseconds())})
	t.Logf("sent %d events in %s", *loadRuns, time.Since(begun).Round(time.Millisecond))
	await(t, l, lab.Finished, "before", *loadRuns)
	t.Logf("after %s %d sleep at the same time: %+v", time.Since(begun).Round(time.Millisecond),
		*loadRuns-l.Ledger.Count(lab.Started, "after"), process.Gauge(t))
	awaitAsleep(t, l, lab.Finished, "after", *loadRuns, *loadNap)
	t.Logf("all have ended after %s", time.Since(begun).Round(time.Millisecond))
	require.Equal(t, *loadRuns, l.Ledger.Count(lab.Started, "before"), "steps started")
	require.Equal(t, *loadRuns, l.Ledger.Count(lab.Started, "after"), "steps started")
	requireCompleted(t, l, app.Naps, slices.Collect(maps.Keys(ids)))
	gauges{before, process.Gauge(t)}.requireFlat(t, process)
}

// Events that are sent in bulk all arrive, each once, in batches.
func TestBulkSend(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Config{Framework: "nethttp", Backend: backend(t)})
	sender := newSender(t, l)
	n := 10 * *loadRuns
	begun := time.Now()
	ids := send(t, sender, app.Bulk, n, app.Data{Item: "load"})
	sent := time.Since(begun)
	t.Logf("sent %d events in %s, %d/s", n, sent.Round(time.Millisecond), int(float64(n)/sent.Seconds()))
	awaitArrivals(t, l, ids)
	t.Logf("all have arrived after %s, in %d batches", time.Since(begun).Round(time.Millisecond), l.Ledger.Count(lab.Finished, ""))
	awaitArrivals(t, l, send(t, sender, app.Bulk, 1, app.Data{Item: "last"})) // and with it what else was on its way
	arrivedIn(l, ids)
	for id, times := range ids {
		require.Equal(t, 1, times, "arrivals of event %s", id)
	}
}

// awaitArrivals waits until each event has arrived.
func awaitArrivals(t *testing.T, l *lab.Lab, ids map[string]int) {
	t.Helper()
	for {
		batches := l.Ledger.Count(lab.Finished, "")
		if arrivedIn(l, ids) == len(ids) {
			return
		}
		await(t, l, lab.Finished, "", batches+1)
	}
}

// arrivedIn counts in ids how often each event has arrived, and returns how many have.
func arrivedIn(l *lab.Lab, ids map[string]int) (arrived int) {
	for id := range ids {
		ids[id] = 0
	}
	for _, entry := range l.Ledger.Entries() {
		if entry.Function != app.Bulk || entry.Kind != lab.Finished {
			continue
		}
		for id := range strings.FieldsSeq(entry.Step) {
			if ids[id]++; ids[id] == 1 {
				arrived++
			}
		}
	}
	return arrived
}

// send sends n events and returns their IDs, no two of them equal.
func send(t *testing.T, sender *inngestkit.App, name string, n int, data app.Data) map[string]int {
	t.Helper()
	event, ids := inngestkit.DefineEvent[app.Data](name), map[string]int{}
	for range (n + batch - 1) / batch {
		events := make([]inngestkit.AnyEvent, min(batch, n-len(ids)))
		for i := range events {
			events[i] = event.New(data)
		}
		sent, err := sender.Send(t.Context(), events...)
		require.NoError(t, err)
		require.Len(t, sent, len(events))
		for _, id := range sent {
			ids[id] = 0
		}
	}
	require.Len(t, ids, n)
	return ids
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
