package faults_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// drain signals SIGTERM and waits until the process drains.
func drain(t *testing.T, p *lab.Process) {
	t.Helper()
	p.Signal(t)
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return strings.Contains(p.Log(), app.Draining) })
}

// A process that stops while steps run waits for them and answers, so no step runs again. The
// calls that it refuses meanwhile are attempts, and the new process gets them later.
func TestStopOfTheOnlyProcess(t *testing.T) {
	t.Parallel()
	for name, short := range map[string]string{app.Steps: "echov5", app.Checkpoints: "gin", app.Branches: "fiberv3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withAdapters(t, short, func(t *testing.T, framework string) {
				l := lab.New(t, lab.Config{Framework: framework})
				failed := countFailures(l)
				step := app.StepsOf(name, app.Original)[2]
				release := l.Ledger.Hold(step, false, 5)
				l.Send(name, inFlight)
				l.Ledger.Await(t, lab.Started, step, 5)
				old := l.Processes[0]
				drain(t, old)
				const early = "App.Shutdown has returned while calls run"
				require.NotContains(t, old.Log(), app.Stopped, early)
				l.Send(app.Once, 1)
				testsite.Eventually(t, 10*time.Millisecond, func() bool { return failed.errors() > 0 })
				require.Zero(t, l.Ledger.Count(lab.Started, "once"), "a process that stops has begun a call")
				require.NotContains(t, old.Log(), app.Stopped, early)
				release()
				old.AwaitStop(t)
				l.Forward()
				l.StartProcess()
				require.Zero(t, l.Holds().Repeated)
				t.Logf("%d calls refused", failed.errors())
			})
		})
	}
}

// Of two replicas, one that is taken out of the load balancer and then stops fails no call.
func TestStopOfAReplica(t *testing.T) {
	t.Parallel()
	withAdapters(t, "fiber", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework, Processes: 2})
		failed := countFailures(l)
		release := l.Ledger.Hold("three", false, 2*inFlight)
		l.Send(app.Steps, 2*inFlight)
		leaving := l.Processes[0]
		testsite.Eventually(t, 10*time.Millisecond, func() bool { return startedBy(l, leaving, "three") > 0 })
		l.Forward(l.Processes[1])
		// A call for which the proxy has already chosen this process reaches it before the signal.
		testsite.Eventually(t, 10*time.Millisecond, func() bool { return failed.openAt(leaving) == startedBy(l, leaving, "three") })
		drain(t, leaving)
		require.NotContains(t, leaving.Log(), app.Stopped, "App.Shutdown has returned while calls run")
		release()
		leaving.AwaitStop(t)
		require.Zero(t, l.Holds().Repeated)
		// The proxy may still be busy with the last response.
		testsite.Eventually(t, 10*time.Millisecond, func() bool { return failed.all() == 0 })
	})
}
