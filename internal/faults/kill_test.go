package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// A process that is killed in a step leaves a step that runs again, and nothing else.
func TestKilledInAStep(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Config{Framework: "gin"})
	l.Ledger.Order(app.Die, "three", false, 1)
	l.Send(app.Steps, 10)
	l.Processes[0].AwaitEnd(t)
	l.Forward()
	l.StartProcess()
	v := l.Holds()
	require.Positive(t, v.Repeated)
}
