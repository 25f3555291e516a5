package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// ends are the ways in which a server ends.
var ends = map[string]func(*devserver.Server) error{
	"killed":  (*devserver.Server).Kill,
	"stopped": (*devserver.Server).Stop,
}

// With PostgreSQL and Redis, runs that sleep survive the end of the server. Only the long
// form has the case, because it needs programs that a fresh machine lacks.
func TestServerEndsWhileRunsSleep(t *testing.T) {
	if !*longForm {
		return
	}
	for _, version := range []string{devserver.OldestVersion, devserver.NewestVersion} {
		for how, end := range ends {
			t.Run(version+" "+how, func(t *testing.T) {
				t.Parallel()
				l := lab.New(t, lab.Config{Framework: "gin", Version: version, Backend: lab.PostgresRedis(t)})
				l.SendData(app.Naps, 10, app.Data{Nap: 3000})
				testsite.Eventually(t, 50*time.Millisecond, func() bool { return finished(l, "before") == 10 })
				require.NoError(t, end(l.Server))
				l.ServerLost()
				l.StartServer()
				require.Zero(t, finished(l, "after"))
				l.Holds()
			})
		}
	}
}

// finished counts the bodies of a step that have finished.
func finished(l *lab.Lab, step string) (n int) {
	for _, e := range l.Ledger.Entries() {
		if e.Kind == lab.Finished && e.Step == step {
			n++
		}
	}
	return n
}
