package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// A deploy that adds, removes, renames or reorders a step in mid-run completes the runs, and
// repeats no memoized step. The old process holds the runs at the end of step three while
// the new one starts.
func TestDeploys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		short string
		build app.Build
		// started is how many bodies run for each step of a run: those of the old build
		// until step three, and what the new build lacks.
		started map[string]int
	}{
		"adds a step":     {"nethttp", app.Added, map[string]int{"three": 1, "extra": 1, "four": 1}},
		"removes a step":  {"gin", app.Removed, map[string]int{"three": 1, "four": 1}},
		"renames a step":  {"echo", app.Renamed, map[string]int{"three": 1, "third": 1, "four": 1}},
		"reorders a step": {"fiberv3", app.Reordered, map[string]int{"three": 1, "four": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, test.short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				release := l.Ledger.Hold("three", true, inFlight)
				l.Send(app.Steps, inFlight)
				l.Ledger.Await(t, lab.Finished, "three", inFlight)
				old := l.Processes[0]
				l.Forward(l.StartBuild(test.build))
				release()
				old.Terminate(t)
				v := l.Holds()
				require.Zero(t, v.Repeated)
				for step, times := range test.started {
					require.Equal(t, times*inFlight, l.Ledger.Count(lab.Started, step), step)
				}
			})
		})
	}
}
