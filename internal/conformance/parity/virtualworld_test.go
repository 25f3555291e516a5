package parity

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// virtualWorld is the virtual engine, in a bubble of testing/synctest, and an app with the
// functions of one row. Its checks for nondeterminism are on: the functions of rows are correct.
type virtualWorld struct {
	engine  *inngesttest.Engine
	app     *inngestkit.App
	version string
}

var _ World = (*virtualWorld)(nil)

// newVirtualWorld returns an engine that plays a version of the server, and an app with the
// functions.
func newVirtualWorld(t *testing.T, version string, recorder *Recorder, functions ...inngestkit.Function) *virtualWorld {
	t.Helper()
	app, err := inngestkit.New(inngestkit.Config{AppID: appID, Dev: true, Logger: testsite.Logger(t)})
	require.NoError(t, err)
	app.Use(recorder.Middleware())
	require.NoError(t, app.Register(recorder.Functions()...))
	require.NoError(t, app.Register(passTime))
	require.NoError(t, app.Register(functions...))
	engine := inngesttest.Virtual(t, inngesttest.Version(version), inngesttest.RetryInterval(retryInterval))
	engine.Serve(app)
	w := &virtualWorld{engine, app, version}
	w.Send(t, inngestkit.DefineEvent[Data](passing).New(Data{})) // see checkpointRows
	engine.Settle()
	return w
}

// moments is how often a test looks before it gives up.
const moments = 600

// Version implements World.
func (w *virtualWorld) Version() string { return w.version }

// Send implements World.
func (w *virtualWorld) Send(t testing.TB, events ...inngestkit.AnyEvent) []string {
	t.Helper()
	ids := w.engine.Send(events...)
	w.engine.Settle()
	return ids
}

// Ended implements World.
func (w *virtualWorld) Ended(t testing.TB, eventIDs ...string) []Run {
	t.Helper()
	runs := make([]Run, len(eventIDs))
	for i, id := range eventIDs {
		w.await(t, func() bool {
			found := w.runsOfEvent(id)
			require.LessOrEqual(t, len(found), 1, "runs of event %s", id)
			if len(found) == 0 || !found[0].Status().Ended() {
				return false
			}
			runs[i] = convertedRun(t, found[0])
			return true
		})
	}
	return runs
}

// EndedOf implements World.
func (w *virtualWorld) EndedOf(t testing.TB, functionID string, n int) (runs []Run) {
	t.Helper()
	w.await(t, func() bool {
		runs = w.RunsOf(t, functionID)
		ended := slices.DeleteFunc(slices.Clone(runs), func(run Run) bool { return run.Status == devserver.RunRunning })
		return len(ended) >= n
	})
	return runs
}

// named is a function by its ID.
type named string

// ID implements inngesttest.Named.
func (n named) ID() string { return string(n) }

// RunsOf implements World.
func (w *virtualWorld) RunsOf(t testing.TB, functionID string) (runs []Run) {
	t.Helper()
	for _, run := range w.engine.Runs(named(functionID)) {
		if run.Status() != inngesttest.RunSkipped { // the server does not list it
			runs = append(runs, convertedRun(t, run))
		}
	}
	return runs
}

// Scheduled implements World.
func (w *virtualWorld) Scheduled(t testing.TB, eventIDs ...string) {
	t.Helper()
	for _, id := range eventIDs {
		w.await(t, func() bool { return len(w.runsOfEvent(id)) > 0 })
	}
}

// Reached implements World.
func (w *virtualWorld) Reached(t testing.TB, eventID, step string) {
	t.Helper()
	w.await(t, func() bool {
		return slices.ContainsFunc(w.runsOfEvent(eventID), func(run *inngesttest.FunctionRun) bool {
			return slices.ContainsFunc(run.Steps(), func(s inngesttest.StepRecord) bool { return s.ID == step })
		})
	})
}

// LetPass implements World.
func (w *virtualWorld) LetPass(_ testing.TB, d time.Duration) { w.engine.Advance(d) }

// Signal implements World.
func (w *virtualWorld) Signal(t testing.TB, name string, data any) bool {
	t.Helper()
	err := w.app.SendSignal(w.engine.Context(), name, data)
	w.engine.Settle()
	if errors.Is(err, inngestkit.ErrNoSignalWaiter) {
		return false
	}
	require.NoError(t, err)
	return true
}

// Cancel implements World.
func (w *virtualWorld) Cancel(t testing.TB, eventID string) {
	t.Helper()
	runs := w.runsOfEvent(eventID)
	require.Len(t, runs, 1)
	runs[0].Cancel()
}

// await lets time pass until a condition holds.
func (w *virtualWorld) await(t testing.TB, holds func() bool) {
	t.Helper()
	for range moments {
		if holds() {
			return
		}
		w.engine.Advance(moment)
	}
	require.FailNow(t, "it never happened")
}

// runsOfEvent returns the runs that an event has started.
func (w *virtualWorld) runsOfEvent(eventID string) []*inngesttest.FunctionRun {
	return slices.DeleteFunc(w.engine.Runs(nil), func(run *inngesttest.FunctionRun) bool {
		return !slices.ContainsFunc(run.Events(), func(e inngestkit.RawEvent) bool { return *e.ID == eventID })
	})
}

// convertedRun converts a run of the engine.
func convertedRun(t testing.TB, run *inngesttest.FunctionRun) Run {
	t.Helper()
	converted := Run{ID: run.ID(), Status: devserver.RunStatus(run.Status())}
	if run.Status() == inngesttest.RunCompleted {
		converted.Output = run.OutputJSON()
	}
	if run.Status() == inngesttest.RunFailed {
		converted.Failure = &inngestkit.RunError{}
		require.ErrorAs(t, run.Err(), converted.Failure)
	}
	return converted
}
