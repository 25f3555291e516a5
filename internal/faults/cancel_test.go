package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// A run that is cancelled while one of its steps runs, or while its process is dead, ends as
// cancelled: none of its later steps run, whatever the process reports or the next one gets.
func TestCancelled(t *testing.T) {
	t.Parallel()
	for function, test := range map[string]struct{ short, step, later string }{
		app.Steps:       {"echov5", "three", "four"},
		app.Checkpoints: {"fiber", "three", "four"},
		app.Branches:    {"gin", "middle", "last"},
	} {
		for name, killed := range map[string]bool{"in a step": false, "while the process is dead": true} {
			t.Run(function+" "+name, func(t *testing.T) {
				t.Parallel()
				withAdapters(t, test.short, func(t *testing.T, framework string) {
					l := lab.New(t, lab.Config{Framework: framework})
					release := l.Ledger.Hold(test.step, false, inFlight)
					events := l.Send(function, inFlight)
					l.Ledger.Await(t, lab.Started, test.step, inFlight)
					if killed {
						l.Processes[0].Kill(t)
					}
					cancelRuns(t, l, events)
					release()
					if killed {
						replaceDead(t, l)
					}
					// Whatever comes of the cancelled runs comes before the end of later ones.
					l.Send(app.Once, inFlight)
					v := l.Judge()
					t.Log(v)
					require.Empty(t, v.Broken)
					require.Equal(t, []int{inFlight, inFlight}, []int{v.Cancelled, v.Completed})
					require.Zero(t, l.Ledger.Count(lab.Started, test.later))
					require.Zero(t, v.Repeated)
				})
			})
		}
	}
}

// cancelRuns cancels the runs of events, one of each.
func cancelRuns(t *testing.T, l *lab.Lab, events []string) {
	t.Helper()
	for _, event := range events {
		runs, err := l.Server.Runs(t.Context(), event)
		require.NoError(t, err)
		require.Len(t, runs, 1)
		require.NoError(t, l.Server.Cancel(t.Context(), runs[0].RunID))
	}
}
