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
	for name, killed := range map[string]bool{"in a step": false, "while the process is dead": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, "echov5", func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				release := l.Ledger.Hold("three", false, inFlight)
				events := l.Send(app.Steps, inFlight)
				l.Ledger.Await(t, lab.Started, "three", inFlight)
				if killed {
					l.Processes[0].Kill(t)
				}
				for _, event := range events {
					runs, err := l.Server.Runs(t.Context(), event)
					require.NoError(t, err)
					require.Len(t, runs, 1)
					require.NoError(t, l.Server.Cancel(t.Context(), runs[0].RunID))
				}
				release()
				if killed {
					replaceDead(t, l)
				}
				// Whatever comes of the cancelled runs comes before the end of later ones.
				l.Send(app.Branches, inFlight)
				v := l.Judge()
				t.Log(v)
				require.Empty(t, v.Broken)
				require.Equal(t, []int{inFlight, inFlight}, []int{v.Cancelled, v.Completed})
				require.Zero(t, l.Ledger.Count(lab.Started, "four"))
				require.Zero(t, v.Repeated)
			})
		})
	}
}
