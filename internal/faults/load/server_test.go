package load_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// An app that the real server calls without a pause completes every run, and its memory,
// goroutines and files stay flat.
func TestServerLoad(t *testing.T) {
	t.Parallel()
	for _, framework := range frameworks() {
		t.Run(framework, func(t *testing.T) { serverLoad(t, framework) })
	}
}

// Calls above MaxInFlight wait, which costs them no attempt, and every run completes.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	const limit = 2
	l := lab.New(t, lab.Config{Framework: "nethttp", App: func(_ int, cfg *app.Config) { cfg.MaxInFlight = limit }})
	known := l.Calls.Exchanges()
	release := l.Ledger.Hold("one", false, limit)
	l.Send(app.Steps, 5*limit)
	l.Ledger.Await(t, lab.Started, "one", limit)
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return l.Calls.Exchanges()-known >= 4*limit })
	require.Equal(t, limit, l.Ledger.Count(lab.Started, "one"), "calls at the same time")
	release()
	v := l.Holds()
	require.Equal(t, 5*v.Runs, v.Started, "steps, each once: %s", v)
}

func serverLoad(t *testing.T, framework string) {
	t.Helper()
	l := lab.New(t, lab.Config{Framework: framework})
	process, sender := l.Processes[0], newSender(t, l)
	load := &serverCaller{lab: l, sender: sender, data: app.Data{Item: "load"}}
	load.run(t, *loadTime/5)
	var taken latencies
	l.Calls.Observe(taken.add)
	begun, runs := time.Now(), len(load.events)
	gauges := course(t, process, func() { load.run(t, *loadTime/sections) })
	took := time.Since(begun)
	runs = len(load.events) - runs
	t.Logf("%d runs in %s, %.0f/s; %d calls, %.0f/s; a call takes %s", runs, took.Round(time.Second),
		float64(runs)/took.Seconds(), taken.len(), float64(taken.len())/took.Seconds(), &taken)
	gauges.requireFlat(t, process)
	load.requireCompleted(t)
	require.Equal(t, len(app.Original.Steps())*len(load.events), l.Ledger.Count(lab.Started, ""), "steps, each once")
}

// serverCaller makes the server call the app.
type serverCaller struct {
	lab    *lab.Lab
	sender *inngestkit.App
	data   app.Data
	events []string // IDs
}

// run keeps runs under way for some time, and waits for their ends.
func (c *serverCaller) run(t *testing.T, d time.Duration) {
	t.Helper()
	const last = "five"
	end := time.Now().Add(d)
	for time.Now().Before(end) {
		await(t, c.lab, lab.Finished, last, len(c.events)-*loadBatch/2)
		ids, err := c.sender.Send(t.Context(), slices.Repeat([]inngestkit.AnyEvent{
			inngestkit.DefineEvent[app.Data](app.Steps).New(c.data),
		}, *loadBatch)...)
		require.NoError(t, err)
		c.events = append(c.events, ids...)
	}
	await(t, c.lab, lab.Finished, last, len(c.events))
}

// requireCompleted asks the server about one run of each batch.
func (c *serverCaller) requireCompleted(t *testing.T) {
	t.Helper()
	requireCompleted(t, c.lab, app.Steps, c.events)
}

// requireCompleted asks the server about the runs of the function for a sample of the events.
func requireCompleted(t *testing.T, l *lab.Lab, function string, events []string) {
	t.Helper()
	for i := 0; i < len(events); i += *loadBatch {
		runs, err := l.Server.AwaitRuns(testsite.Within(t), events[i], 1)
		require.NoError(t, err)
		require.Equal(t, devserver.RunCompleted, runs[0].Status)
		require.JSONEq(t, fmt.Sprintf("%q", app.Output(function, app.Original, "load")), string(runs[0].Output))
	}
}

// newSender returns an app without functions that sends to the server.
func newSender(t *testing.T, l *lab.Lab) *inngestkit.App {
	t.Helper()
	keys := l.Processes[0].Config
	sender, err := inngestkit.New(inngestkit.Config{
		AppID: "sender", Dev: keys.SigningKey == "", SigningKey: inngestkit.Secret(keys.SigningKey),
		EventKey: inngestkit.Secret(keys.EventKey), BaseURL: l.Server.URL(), Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	return sender
}
