package connect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	sdkstep "github.com/inngest/inngestgo/step"
	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

type user struct {
	ID string `json:"id"`
}

type input = inngestkit.Input[user]

// Each app has its own event, so that apps can share a server.
func event(appID string) inngestkit.EventType[user] {
	return inngestkit.DefineEvent[user](appID + "/started")
}

// Tests that can share a server run side by side.
func TestConnect(t *testing.T) {
	server := newServer(t, devserver.Config{})
	for name, test := range map[string]func(*testing.T, *devserver.Server){
		"steps":                  runsSteps,
		"wait for an event":      waitsForAnEvent,
		"failures":               fails,
		"adopted functions":      runsAdoptedFunctions,
		"restart in mid-run":     restartsInMidRun,
		"shutdown during a step": shutsDownDuringAStep,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// Steps run once although the function is called for each; one that fails is retried on its
// own.
func runsSteps(t *testing.T, server *devserver.Server) {
	var c counter
	w := connected(t, server, "steps", inngestkit.OnEvent("fn", event("steps"), func(ctx context.Context, in input) (any, error) {
		one, err := c.Counted(ctx, "one")
		if err != nil {
			return nil, err
		}
		step.Sleep(ctx, "nap", time.Second)
		flaky, err := step.Run(ctx, "flaky", func(context.Context) (int, error) {
			if n := c.Add("flaky"); n < 3 {
				return n, errors.New("not yet")
			}
			return 3, nil
		})
		return []any{in.Event.Data.ID, one, flaky, in.InputCtx.RequestID != ""}, err
	}))
	run := await(t, server, w.send(t, event("steps").New(user{ID: "u1"})))
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, `["u1","one",3,true]`, string(run.Output))
	require.Equal(t, []int{1, 3}, []int{c.Of("one"), c.Of("flaky")})
	last, ok := w.app.LastSync()
	require.True(t, ok)
	require.True(t, last.Connect)
	require.Equal(t, 1, last.Functions)
}

func waitsForAnEvent(t *testing.T, server *devserver.Server) {
	answered := inngestkit.DefineEvent[user]("waiter/answered")
	w := connected(t, server, "waiter", inngestkit.OnEvent("fn", event("waiter"), func(ctx context.Context, _ input) (string, error) {
		answer, err := step.WaitForEvent(ctx, "answer", answered, step.Timeout(time.Hour), step.Match("data.id"))
		return answer.Name, err
	}))
	id := w.send(t, event("waiter").New(user{ID: "u1"}))
	_, err := server.AwaitStep(testsite.Within(t), id, "answer")
	require.NoError(t, err)
	w.send(t, answered.New(user{ID: "u1"}))
	run := await(t, server, id)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, `"waiter/answered"`, string(run.Output))
}

// A step that has failed is an error that the function can handle. The SDK's own code for
// connections makes it a failure of the function.
func fails(t *testing.T, server *devserver.Server) {
	var c counter
	w := connected(t, server, "failing",
		inngestkit.OnEvent("handles", event("failing"), func(ctx context.Context, _ input) (string, error) {
			_, err := step.Run(ctx, "hopeless", func(context.Context) (string, error) {
				c.Add("hopeless")
				return "", errors.New("no hope")
			})
			var failed step.Error
			if !errors.As(err, &failed) {
				return "", fmt.Errorf("not a step.Error: %w", err)
			}
			return "handled: " + failed.Message, nil
		}, flow.Retries(1)),
		inngestkit.OnEvent("gives-up", event("failing"), func(context.Context, input) (string, error) {
			c.Add("gives up")
			return "", inngestgo.NoRetryError(errors.New("never"))
		}),
		inngestkit.OnEvent("panics", event("failing"), func(context.Context, input) (string, error) {
			c.Add("panics")
			panic("boom")
		}, flow.Retries(0)))
	runs, err := server.AwaitRuns(testsite.Within(t), w.send(t, event("failing").New(user{ID: "u1"})), 3)
	require.NoError(t, err)
	byFunction := map[string]devserver.Run{}
	for _, run := range runs {
		byFunction[run.Function] = run
	}
	handles := byFunction["failing-handles"]
	require.Equal(t, devserver.RunCompleted, handles.Status, "%s", handles)
	require.JSONEq(t, `"handled: no hope"`, string(handles.Output))
	require.Equal(t, devserver.RunFailed, byFunction["failing-gives-up"].Status)
	panics := byFunction["failing-panics"]
	require.Equal(t, devserver.RunFailed, panics.Status)
	require.Contains(t, string(panics.Output), "boom")
	require.NotContains(t, string(panics.Output), "goroutine")
	require.Equal(t, []int{2, 1, 1}, []int{c.Of("hopeless"), c.Of("gives up"), c.Of("panics")})
}

func runsAdoptedFunctions(t *testing.T, server *devserver.Server) {
	client, err := inngestgo.NewClient(inngestgo.ClientOpts{
		AppID: "adopted", Dev: new(true), APIBaseURL: new(server.URL()), EventAPIBaseURL: new(server.URL()),
		Logger: testsite.Logger(t),
	})
	require.NoError(t, err)
	_, err = inngestgo.CreateFunction(client, inngestgo.FunctionOpts{ID: "fn"}, inngestgo.EventTrigger("adopted/started", nil),
		func(ctx context.Context, in input) (any, error) {
			return sdkstep.Run(ctx, "one", func(context.Context) (string, error) { return in.Event.Data.ID, nil })
		})
	require.NoError(t, err)
	app, err := inngestkit.FromClient(client)
	require.NoError(t, err)
	w := run(t, app)
	run := await(t, server, w.send(t, event("adopted").New(user{ID: "u1"})))
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, `"u1"`, string(run.Output))
}

// An app that is restarted in the middle of a run finishes it, and steps that have run do not
// run again.
func restartsInMidRun(t *testing.T, server *devserver.Server) {
	function := func(c *counter) inngestkit.Function {
		return inngestkit.OnEvent("fn", event("restarted"), func(ctx context.Context, in input) (string, error) {
			if _, err := c.Counted(ctx, "before"); err != nil {
				return "", err
			}
			step.Sleep(ctx, "restart meanwhile", 2*time.Second)
			if _, err := c.Counted(ctx, "after"); err != nil {
				return "", err
			}
			return in.Event.Data.ID, nil
		}, flow.Retries(20)) // calls without a listener count as attempts
	}
	var first, second counter
	old := connected(t, server, "restarted", function(&first))
	id := old.send(t, event("restarted").New(user{ID: "u1"}))
	first.Await(t, "before")
	old.stop(t)

	connected(t, server, "restarted", function(&second))
	run := await(t, server, id)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, `"u1"`, string(run.Output))
	require.Equal(t, []int{1, 0}, []int{first.Of("before"), first.Of("after")})
	require.Equal(t, []int{0, 1}, []int{second.Of("before"), second.Of("after")})
}

// leaseTime is how long a server waits for a worker that has gone: 20 s of lease and 5 s of
// grace (ConnectWorkerRequestLeaseDuration in its source).
const leaseTime = 25 * time.Second

// A step that runs when the app shuts down delivers its result, even if it takes longer than
// the server waits for a worker that has gone. A call that arrives meanwhile is returned to
// the server. As in a deployment, the next instance starts before the old one ends.
func shutsDownDuringAStep(t *testing.T, server *devserver.Server) {
	release := make(chan struct{})
	function := func(c *counter) inngestkit.Function {
		return inngestkit.OnEvent("fn", event("drained"), func(ctx context.Context, in input) (string, error) {
			return step.Run(ctx, "slow", func(context.Context) (string, error) {
				c.Add(in.Event.Data.ID)
				if in.Event.Data.ID == "slow" {
					<-release
				}
				return in.Event.Data.ID, nil
			})
		})
	}
	var first, second counter
	old := connected(t, server, "drained", function(&first))
	slow := old.send(t, event("drained").New(user{ID: "slow"}))
	first.Await(t, "slow")

	shutdown := make(chan error, 1)
	started := time.Now()
	go func() { shutdown <- old.app.Shutdown(context.WithoutCancel(t.Context())) }()
	testsite.Eventually(t, time.Millisecond, func() bool {
		return strings.Contains(old.app.Connect(t.Context()).Error(), "shut down")
	})
	late := old.send(t, event("drained").New(user{ID: "late"}))
	testsite.Eventually(t, 10*time.Millisecond, func() bool {
		runs, err := server.Runs(t.Context(), late)
		return err == nil && len(runs) == 1
	})
	connected(t, server, "drained", function(&second))
	time.AfterFunc(leaseTime+10*time.Second-time.Since(started), func() { close(release) })
	require.NoError(t, <-shutdown)
	require.NoError(t, <-old.ended)
	old.ended = nil
	require.Zero(t, first.Of("late"), "an instance that shuts down takes no new calls")
	for _, id := range []string{slow, late} {
		run := await(t, server, id)
		require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	}
	require.Equal(t, []int{1, 0}, []int{first.Of("slow"), second.Of("slow")})
	require.Equal(t, 1, second.Of("late"))
}

// Two servers run side by side, and each passes calls on to its own app. The oldest cannot,
// and logs that.
func TestServersBesideEachOther(t *testing.T) {
	first := newServer(t, devserver.Config{})
	if first.Version() == devserver.OldestVersion {
		require.Contains(t, devserver.New(t, devserver.Config{}).Logs(), noConnect)
		return
	}
	for app, server := range map[string]*devserver.Server{"first": first, "second": newServer(t, devserver.Config{})} {
		w := connected(t, server, app, inngestkit.OnEvent("fn", event(app), func(context.Context, input) (string, error) { return app, nil }))
		run := await(t, server, w.send(t, event(app).New(user{})))
		require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
		require.Equal(t, `"`+app+`"`, string(run.Output))
	}
}

// After a restart of the dev server the app connects again. The app and its health checks
// always report the current state of the connection.
func TestServerIsRestarted(t *testing.T) {
	server := newServer(t, devserver.Config{})
	app, err := inngestkit.New(inngestkit.Config{AppID: "patient", Dev: true, BaseURL: server.URL(), Logger: testsite.Logger(t)})
	require.NoError(t, err)
	require.NoError(t, app.Register(inngestkit.OnEvent("fn", event("patient"), func(_ context.Context, in input) (string, error) {
		return in.Event.Data.ID, nil
	})))
	checks, err := inngesthealth.Install(app, inngesthealth.WithSyncRequired())
	require.NoError(t, err)
	require.ErrorContains(t, checks.Ready(), "the app is not synced yet")
	w := run(t, app)
	is := func(state inngestkit.ConnectionState) bool { return w.app.Connection() == state }
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return is(inngestkit.ConnectionConnected) })
	require.Equal(t, http.StatusOK, readiness(t, checks))
	require.NoError(t, w.app.Ping(t.Context()))
	require.NoError(t, server.Stop())
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return is(inngestkit.ConnectionConnecting) })
	require.ErrorContains(t, w.app.Ping(t.Context()), "not connected to "+server.URL())
	require.Equal(t, http.StatusServiceUnavailable, readiness(t, checks))
	require.ErrorContains(t, checks.Ready(), "not connected to the Inngest server")
	server = newServer(t, devserver.Config{Port: testsite.PortOf(t, server.URL())})
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "patient-fn"))
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return is(inngestkit.ConnectionConnected) })
	require.NoError(t, w.app.Ping(t.Context()))
	require.Equal(t, http.StatusOK, readiness(t, checks))
	run := await(t, server, w.send(t, event("patient").New(user{ID: "u1"})))
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)

	w.stop(t)
	require.True(t, is(inngestkit.ConnectionUnused))
	require.ErrorContains(t, checks.Ready(), "not connected to the Inngest server")
	require.NoError(t, w.app.Ping(t.Context()), "Ping now calls the server")
	status, health, err := testsite.Request(t.Context(), testsite.NewClient(t), http.MethodGet, server.URL()+"/health", "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "the path that Ping requests exists")
	require.JSONEq(t, `{"status":200,"message":"OK"}`, health)
	require.NoError(t, server.Stop())
	require.ErrorContains(t, w.app.Ping(t.Context()), "refused")
}

// A self-hosted server requires the signing key.
func TestSelfHostedServer(t *testing.T) {
	const key, eventKey = "0123456789abcdef0123456789abcdef", "0123456789abcdef"
	server := newServer(t, devserver.Config{SigningKey: key, EventKey: eventKey})
	config := inngestkit.Config{AppID: "keyed", SigningKey: key, EventKey: eventKey, BaseURL: server.URL()}
	w := connect(t, config, inngestkit.OnEvent("fn", event("keyed"), func(_ context.Context, in input) (string, error) {
		return in.Event.Data.ID, nil
	}))
	run := await(t, server, w.send(t, event("keyed").New(user{ID: "u1"})))
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
}
