package faults_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// Replicas share the runs: each step runs once, on any of them.
func TestReplicas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		short    string
		replicas int
	}{{"gin", 2}, {"echo", 3}} {
		t.Run(strconv.Itoa(test.replicas), func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework, Processes: test.replicas})
				l.Send(app.Steps, inFlight)
				require.Zero(t, l.Holds().Repeated)
				require.Len(t, reporters(l), test.replicas)
			})
		})
	}
}

func reporters(l *lab.Lab) map[string]bool {
	names := map[string]bool{}
	for _, e := range l.Ledger.Entries() {
		if e.Kind == lab.Started {
			names[e.App] = true
		}
	}
	return names
}

// A replica that dies again and again costs the steps that it was running, and nothing else.
func TestDyingReplica(t *testing.T) {
	t.Parallel()
	withAdapters(t, "fiber", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework, Processes: 2})
		steps := []string{"one", "three", "five"}
		for _, step := range steps {
			l.Ledger.OrderFor(l.Processes[1].Config.Name, app.Die, step, false, 1)
			l.Send(app.Steps, inFlight)
			l.Processes[1].AwaitEnd(t)
			l.Forward(slices.Clone(l.Processes[:1])...)
			l.StartProcess()
		}
		require.GreaterOrEqual(t, l.Holds().Repeated, len(steps))
		requireFewRepeated(t, l, len(steps)) // each death costs a run at most one
	})
}

// During a rolling deploy, an older replica refuses calls of a function that it lacks with
// 410, and the server counts each as an attempt. Runs complete as long as they have retries
// left ([app.Retries]).
func TestOlderReplica(t *testing.T) {
	t.Parallel()
	withAdapters(t, "fiberv3", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework, Processes: 2, App: func(n int, cfg *app.Config) {
			if n == 1 {
				cfg.Build = app.Older
			}
		}})
		failed := countFailures(l)
		l.Send(app.Checkpoints, inFlight)
		require.Zero(t, l.Holds().Repeated)
		require.Positive(t, failed.errors())
		t.Logf("%d calls refused", failed.errors())
	})
}

// A full app makes the server's calls wait for a place, and runs no more steps at a time than
// it has places. All runs complete, and no step runs again.
func TestMaxInFlight(t *testing.T) {
	t.Parallel()
	withAdapters(t, "echov5", func(t *testing.T, framework string) {
		const places = 2
		l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) { cfg.MaxInFlight = places }})
		failed := countFailures(l)
		release := l.Ledger.Hold("two", false, places)
		l.Send(app.Steps, inFlight)
		l.Ledger.Await(t, lab.Started, "two", places)
		release()
		require.Zero(t, l.Holds().Repeated)
		require.Equal(t, places, mostRunning(l))
		require.Zero(t, failed.errors(), "calls refused: they must wait")
	})
}
