package conformance

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// midRun is an app that another instance replaces in the middle of a run.
type midRun struct {
	id            string
	server        *devserver.Server
	with          adapter
	first, second counter
	release       chan struct{} // ends the slow step of the first instance
}

// slowStep is the ID of the first instance's step that runs until release.
const slowStep = "slow"

func (m *midRun) started() inngestkit.EventType[user] {
	return inngestkit.DefineEvent[user](m.id + "/started")
}

// serve runs an instance whose function counts with c.
func (m *midRun) serve(t *testing.T, w *testsite.Wire, c *counter) *site {
	t.Helper()
	function := inngestkit.OnEvent("long", m.started(), func(ctx context.Context, in input) (string, error) {
		if _, err := c.Counted(ctx, "before"); err != nil {
			return "", err
		}
		if _, err := step.Run(ctx, slowStep, func(ctx context.Context) (string, error) {
			c.Add(slowStep)
			if c == &m.first {
				<-m.release
			}
			return slowStep, ctx.Err()
		}); err != nil {
			return "", err
		}
		step.Sleep(ctx, "nap", 2*time.Second)
		if _, err := c.Counted(ctx, "after"); err != nil {
			return "", err
		}
		return in.Event.Data.ID, nil
	}, flow.Retries(20)) // calls without a listener count as attempts
	config := inngestkit.Config{AppID: m.id, Dev: true, BaseURL: m.server.URL()}
	return &site{serveConfig(t, m.with, config, w, function), m.server}
}

// restarts lists how the first instance ends while its slow step runs.
var restarts = []struct {
	id  string
	end func(t *testing.T, m *midRun, first *site, w *testsite.Wire, eventID string)
	// lost is how often the slow step has to run again.
	lost int
}{
	{id: "asleep", end: func(t *testing.T, m *midRun, first *site, _ *testsite.Wire, eventID string) {
		close(m.release)
		_, err := m.server.AwaitStep(testsite.Within(t), eventID, "nap")
		require.NoError(t, err)
		first.stop()
	}},
	{id: "drained", end: func(t *testing.T, m *midRun, first *site, _ *testsite.Wire, _ string) {
		ended := make(chan error, 1)
		go func() { ended <- first.app.Shutdown(t.Context()) }()
		testsite.Eventually(t, time.Millisecond, func() bool {
			return errors.Is(first.app.Start(t.Context()), inngestkit.ErrShutdown)
		})
		close(m.release)
		require.NoError(t, <-ended)
		first.stop()
	}},
	{id: "killed", end: func(t *testing.T, m *midRun, _ *site, w *testsite.Wire, _ string) {
		w.Cut()
		t.Cleanup(func() { close(m.release) })
	}, lost: 1},
}

// An app that is restarted in the middle of a run, as in a deployment, finishes the run.
// Steps that have run do not run again: neither those before the restart nor those that ran
// when the app was told to stop. Only a step whose process is killed runs again.
func TestRestartInMidRun(t *testing.T) {
	t.Parallel()
	eachAdapter(t, func(t *testing.T, with adapter) {
		server := testsite.NewServer(t)
		for _, tc := range restarts {
			t.Run(tc.id, func(t *testing.T) {
				t.Parallel()
				m := &midRun{id: tc.id, server: server, with: with, release: make(chan struct{})}
				w := testsite.NewWire(t, "")
				first := m.serve(t, w, &m.first)
				id := first.send(t, m.started().New(user{ID: "u1"}))
				m.first.Await(t, slowStep)
				tc.end(t, m, first, w, id)

				second := m.serve(t, testsite.NewWire(t, first.addr), &m.second)
				run := second.ended(t, id)
				require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
				require.Equal(t, `"u1"`, string(run.Output))
				for part, want := range map[string][]int{"before": {1, 0}, slowStep: {1, tc.lost}, "after": {0, 1}} {
					require.Equal(t, want, []int{m.first.Of(part), m.second.Of(part)}, part)
				}
			})
		}
	})
}
