package parity

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthttp "github.com/inngestkit/inngestkit/adapters/nethttp"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// realWorld is an Inngest server, and an app on a port of this machine that all rows share.
type realWorld struct {
	app      *inngestkit.App
	server   *devserver.Server
	recorder *Recorder
	// functions are the server's IDs of functions by slug.
	functions map[string]string
	endedRuns sync.Map // the runs that have ended, by ID
}

var _ World = (*realWorld)(nil)

// retryInterval is the time between attempts on all targets.
const retryInterval = time.Second

// passTime lets time pass on the server's clock, which may be slower than this machine's.
var passTime = inngestkit.OnEvent(passing, inngestkit.DefineEvent[Data](passing), func(ctx context.Context, in In) (any, error) {
	if _, err := done(ctx, "checkpoint"); err != nil {
		return nil, err
	}
	step.Sleep(ctx, "pass", time.Duration(in.Event.Data.Number))
	return nil, nil
}, flow.Checkpoint())

// newRealWorld starts a server of a version, and an app with the functions.
func newRealWorld(t *testing.T, version string, recorder *Recorder, functions ...inngestkit.Function) *realWorld {
	t.Helper()
	server := devserver.New(t, devserver.Config{Version: version, RetryInterval: retryInterval})
	listener := testsite.Listen(t, "")
	app, err := inngestkit.New(inngestkit.Config{
		AppID: appID, Dev: true, BaseURL: server.URL(), ServeHost: listener.Addr().String(), Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	app.Use(recorder.Middleware())
	require.NoError(t, app.Register(passTime))
	require.NoError(t, app.Register(recorder.Functions()...))
	require.NoError(t, app.Register(functions...))
	mux := http.NewServeMux()
	inngesthttp.Mount(mux, app)
	testsite.ServeApp(t, app, testsite.HTTP(mux), listener)
	require.NoError(t, app.Start(t.Context()))
	require.NoError(t, app.AwaitSync(testsite.Within(t)))
	w := &realWorld{app: app, server: server, recorder: recorder, functions: map[string]string{}}
	all, err := server.Functions(testsite.Within(t))
	require.NoError(t, err)
	for _, f := range all {
		w.functions[f.Slug] = f.ID
	}
	w.LetPass(t, 0)
	return w
}

// patience is how long a test waits for a server: a schedule needs up to a minute.
const patience = 2 * time.Minute

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Version implements World.
func (w *realWorld) Version() string { return w.server.Version() }

// Send implements World.
func (w *realWorld) Send(t testing.TB, events ...inngestkit.AnyEvent) []string {
	t.Helper()
	ids, err := w.app.Send(within(t), events...)
	require.NoError(t, err)
	return ids
}

// Ended implements World.
func (w *realWorld) Ended(t testing.TB, eventIDs ...string) []Run {
	t.Helper()
	runs := make([]Run, len(eventIDs))
	for i, id := range eventIDs {
		w.await(t, w.recorder.Ended(id), func(ctx context.Context) bool {
			found, err := w.server.Runs(ctx, id)
			require.NoError(t, err)
			require.LessOrEqual(t, len(found), 1, "runs of event %s", id)
			if len(found) == 1 {
				runs[i] = converted(found[0])
			}
			return len(found) == 1 && found[0].Ended()
		})
	}
	return runs
}

// EndedOf implements World.
func (w *realWorld) EndedOf(t testing.TB, functionID string, n int) (runs []Run) {
	t.Helper()
	w.await(t, nil, func(context.Context) bool {
		if len(w.recorder.runsOf(functionID)) == 0 && n > 0 {
			return false
		}
		runs = w.RunsOf(t, functionID)
		ended := 0
		for _, run := range runs {
			if run.Status != devserver.RunRunning {
				ended++
			}
		}
		return ended >= n
	})
	return runs
}

const runsQuery = `query ($function: UUID!, $from: Time!) {
	runs(first: 100, orderBy: [{field: QUEUED_AT, direction: ASC}], filter: {from: $from, functionIDs: [$function]}) {
		edges { node { id } }
	}
}`

// RunsOf implements World. It is Server.RunsOf without the list of all functions, which costs
// the server much time if there are many.
func (w *realWorld) RunsOf(t testing.TB, functionID string) (runs []Run) {
	t.Helper()
	ctx := within(t)
	var answer struct {
		Runs struct {
			Edges []struct {
				Node struct {
					ID string `json:"id"`
				} `json:"node"`
			} `json:"edges"`
		} `json:"runs"`
	}
	require.Contains(t, w.functions, appID+"-"+functionID)
	require.NoError(t, w.server.GraphQL(ctx, runsQuery, map[string]any{
		"function": w.functions[appID+"-"+functionID], "from": time.Now().AddDate(0, 0, -1).UTC(),
	}, &answer))
	for _, edge := range answer.Runs.Edges {
		run, ok := w.endedRuns.Load(edge.Node.ID)
		if !ok {
			found, err := w.server.Run(ctx, edge.Node.ID)
			if _, refused := errors.AsType[*devserver.StatusError](err); refused { // it lists runs before it stores them
				found, err = devserver.Run{RunID: edge.Node.ID, Status: devserver.RunRunning}, nil
			}
			require.NoError(t, err)
			if run = converted(found); found.Ended() {
				w.endedRuns.Store(edge.Node.ID, run)
			}
		}
		runs = append(runs, run.(Run))
	}
	return runs
}

func converted(run devserver.Run) Run {
	return Run{ID: run.RunID, Status: run.Status, Output: run.Output}
}

// Scheduled implements World.
func (w *realWorld) Scheduled(t testing.TB, eventIDs ...string) {
	t.Helper()
	for _, id := range eventIDs {
		w.await(t, nil, func(ctx context.Context) bool {
			runs, err := w.server.Runs(ctx, id)
			require.NoError(t, err)
			return len(runs) > 0
		})
	}
}

// Reached implements World.
func (w *realWorld) Reached(t testing.TB, eventID, step string) {
	t.Helper()
	w.await(t, nil, func(ctx context.Context) bool {
		runs, err := w.server.Runs(ctx, eventID)
		require.NoError(t, err)
		if len(runs) == 0 {
			return false
		}
		steps, err := w.server.Steps(ctx, runs[0].RunID)
		require.NoError(t, err)
		return slices.ContainsFunc(steps, func(s devserver.Step) bool { return s.Name == step })
	})
}

// margin is added to each time that passes: a busy server needs longer for what it would
// otherwise do meanwhile.
const margin = 3 * time.Second

// LetPass implements World.
func (w *realWorld) LetPass(t testing.TB, d time.Duration) {
	t.Helper()
	d += margin
	id := w.Send(t, inngestkit.DefineEvent[Data](passing).New(Data{Number: int64(d)}))[0]
	select {
	case <-w.recorder.Ended(id):
	case <-within(t).Done():
		require.FailNow(t, "the server's clock stands still")
	}
}

// Signal implements World.
func (w *realWorld) Signal(t testing.TB, name string, data any) bool {
	t.Helper()
	err := w.app.SendSignal(within(t), name, data)
	if errors.Is(err, inngestkit.ErrNoSignalWaiter) {
		return false
	}
	require.NoError(t, err)
	return true
}

// Cancel implements World.
func (w *realWorld) Cancel(t testing.TB, eventID string) {
	t.Helper()
	runs, err := w.server.Runs(within(t), eventID)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.NoError(t, w.server.Cancel(within(t), runs[0].RunID))
}

// slow is how long a request about runs should wait for the next one. A server that is asked
// more often needs more time for the answers than for the runs.
const slow = 700 * time.Millisecond

// await asks until the answer is true: when ended is closed, and now and then.
func (w *realWorld) await(t testing.TB, ended <-chan struct{}, ask func(context.Context) bool) {
	t.Helper()
	ctx := within(t)
	pause := slow
	for {
		select {
		case <-ended:
			ended, pause = nil, slow/4
		case <-time.After(pause):
			pause = slow
		case <-ctx.Done():
			require.FailNow(t, "it never happened")
		}
		if ask(ctx) {
			return
		}
	}
}
