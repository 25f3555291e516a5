package connect_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

const (
	// inFlight is how many runs a case has in flight.
	inFlight = 15
	// held is how many of them are in a step when something happens to the connection.
	held = 5
	// patience allows for the newest server, which waits two minutes for a worker that has gone
	// (docs/servers.md).
	patience = 4 * time.Minute
)

// TestConnect ends workers and servers while runs are in flight. The cases run one after the
// other, because the oldest server cannot run twice in a network.
func TestConnect(t *testing.T) {
	cases := map[string]func(*testing.T){
		"stopped in a step": stoppedInAStep, "connection cut": atGateway(connectionCut), "server in memory": memoryServer,
	}
	if *longForm {
		maps.Copy(cases, map[string]func(*testing.T){
			"killed in a step":     killedInAStep,
			"killed between steps": killedBetweenSteps,
			"a dying worker":       dyingWorker,
			"silent connection":    atGateway(silentConnection),
			"gateway out of reach": atGateway(gatewayOutOfReach),
			"server killed":        serverWithDatabases((*devserver.Server).Kill),
			"server stopped":       serverWithDatabases((*devserver.Server).Stop),
		})
	}
	for name, run := range cases {
		t.Run(name, run)
	}
}

func newLab(t *testing.T, backend lab.Backend, processes int) *lab.Lab {
	t.Helper()
	return lab.New(t, lab.Config{
		Framework: "nethttp", Backend: backend, Processes: processes,
		Patience: patience,
		App:      func(_ int, cfg *app.Config) { cfg.Connect = true },
	})
}

// holdInStep sends runs, and returns when some of them are in a step, where they stay until
// release is called.
func holdInStep(t *testing.T, l *lab.Lab) (release func()) {
	t.Helper()
	release = l.Ledger.Hold("three", false, held)
	l.Send(app.Steps, inFlight)
	l.Ledger.Await(t, lab.Started, "three", held)
	return release
}

// atGateway is a case in which something happens to the connection while steps run, which end
// with release. Of those, some may run again, and nothing else.
func atGateway(happens func(g *lab.Gateway, release func())) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		l := lab.New(t, lab.Config{
			Framework: "nethttp", Gateway: true, Patience: patience,
			App: func(_ int, cfg *app.Config) { cfg.Connect = true },
		})
		happens(l.Gateway, holdInStep(t, l))
		require.LessOrEqual(t, l.Holds().Repeated, held)
	}
}

// The connection is reset.
func connectionCut(g *lab.Gateway, release func()) {
	g.Cut()
	release()
}

// The network loses everything that is sent on the connection, and neither side is told.
func silentConnection(g *lab.Gateway, release func()) {
	g.Silence()
	release()
}

// The gateway is out of reach for some time, in which steps end.
func gatewayOutOfReach(g *lab.Gateway, release func()) {
	g.Refuse(true)
	g.Cut()
	release()
	time.Sleep(15 * time.Second) // how long it is out of reach
	g.Refuse(false)
}

// A worker that is asked to stop while steps run delivers their results, so no step runs again.
// Calls that come later go to the next worker.
func stoppedInAStep(t *testing.T) {
	l := newLab(t, lab.Memory(), 1)
	release := holdInStep(t, l)
	old := l.Processes[0]
	old.Signal(t)
	l.StartProcess()
	release()
	old.AwaitStop(t)
	require.Zero(t, l.Holds().Repeated)
}

// Steps of a worker that is killed run again, and nothing else: the server has no results.
func killedInAStep(t *testing.T) {
	l := newLab(t, lab.Memory(), 1)
	l.Ledger.Order(app.Die, "three", false, 1)
	l.Send(app.Steps, inFlight)
	l.Processes[0].AwaitEnd(t)
	l.StartProcess()
	repeated := l.Holds().Repeated
	require.Positive(t, repeated)
	require.LessOrEqual(t, repeated, inFlight)
}

// A worker that is killed at any time costs the steps whose results have not reached the server.
func killedBetweenSteps(t *testing.T) {
	l := newLab(t, lab.Memory(), 1)
	l.Send(app.Steps, inFlight)
	l.Ledger.Await(t, lab.Memoized, "two", 3)
	l.Processes[0].Kill(t)
	l.StartProcess()
	require.LessOrEqual(t, l.Holds().Repeated, inFlight)
}

// A worker that dies again and again costs the steps that it was running.
func dyingWorker(t *testing.T) {
	l := newLab(t, lab.Memory(), 2)
	steps := []string{"one", "three", "five"}
	for _, step := range steps {
		dying := l.Processes[1]
		l.Ledger.OrderFor(dying.Config.Name, app.Die, step, false, 1)
		l.Send(app.Steps, inFlight)
		dying.AwaitEnd(t)
		l.Forward(l.Processes[0])
		l.StartProcess()
	}
	require.GreaterOrEqual(t, l.Holds().Repeated, len(steps))
}

// A worker connects again to a server that was killed and started again. The server has
// forgotten the runs, and new ones work.
func memoryServer(t *testing.T) {
	l := newLab(t, lab.Memory(), 1)
	l.Send(app.Steps, inFlight)
	require.Zero(t, l.Holds().Repeated)
	l.EndServer((*devserver.Server).Kill)
	l.StartServer()
	l.AwaitFunctions()
	l.Send(app.Branches, inFlight)
	v := l.Judge()
	t.Log(v)
	require.Empty(t, v.Broken)
	require.Equal(t, []int{inFlight, inFlight}, []int{v.Completed, v.Lost})
}

// With PostgreSQL and Redis, runs go on when the server is back.
func serverWithDatabases(end func(*devserver.Server) error) func(t *testing.T) {
	return func(t *testing.T) {
		t.Helper()
		l := newLab(t, lab.PostgresRedis(t), 1)
		release := l.Ledger.Hold("two", false, inFlight)
		l.Send(app.Steps, inFlight)
		l.Ledger.Await(t, lab.Started, "two", inFlight)
		release()
		l.EndServer(end)
		l.StartServer()
		l.Holds()
	}
}
