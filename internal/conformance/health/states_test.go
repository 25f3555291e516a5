package health

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/flow"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// state is the state of an app as seen from outside: load balancers see the status codes,
// people and alerts the rest.
type state struct {
	// The HTTP statuses of the endpoints.
	report, live, ready int
	status              inngesthealth.Status
	// down lists the indicators that are down, separated by spaces.
	down string
	// functions are the statuses of the functions that are not healthy.
	functions string
}

func (s state) String() string {
	return fmt.Sprintf("%d %14d %15d   %-14s %-24s %s", s.report, s.live, s.ready, s.status, s.down, s.functions)
}

// fine is the state of a healthy app.
var fine = state{http.StatusOK, http.StatusOK, http.StatusOK, inngesthealth.StatusOK, "", ""}

// unready is a state in which the app should get no calls.
func unready(status inngesthealth.Status, down string) state {
	return state{http.StatusServiceUnavailable, http.StatusOK, http.StatusServiceUnavailable, status, down, ""}
}

// sick is a state in which the app gets calls but is not healthy.
func sick(down, functions string) state {
	return state{http.StatusServiceUnavailable, http.StatusOK, http.StatusOK, inngesthealth.StatusError, down, functions}
}

// state returns the current state of the app.
func (s *site) state(t *testing.T) state {
	t.Helper()
	seen := s.get(t, detailed)
	r := seen.report(t)
	var functions []string
	for _, f := range r.Details.Functions {
		if f.Status != inngesthealth.Healthy {
			functions = append(functions, fmt.Sprintf("%s %s", f.ID, f.Status))
		}
	}
	return state{
		seen.status, s.get(t, liveness).status, s.get(t, ready).status, r.Status, down(r), strings.Join(functions, " "),
	}
}

// phases records the states that an app goes through.
type phases struct {
	*site

	table strings.Builder
}

// becomes waits for a state, and calls do before each look.
func (p *phases) becomes(t *testing.T, phase string, want state, do ...func()) {
	t.Helper()
	var got state
	defer func() {
		if got != want {
			t.Logf("%s: got\n%s, want\n%s", phase, got, want)
		}
	}()
	testsite.Eventually(t, checkEvery, func() bool {
		for _, f := range do {
			f()
		}
		got = p.state(t)
		return got == want
	})
	fmt.Fprintf(&p.table, "%-38s %s\n", phase, got)
}

// orders tells functions whether to fail.
type orders struct {
	fails   failing
	retries chan struct{} // closed to release second attempts
	slow    testsite.Counter
	release chan struct{} // closed to end the slow function
}

var (
	fragileOrder  = inngestkit.DefineEvent[order]("order.fragile")
	stubbornOrder = inngestkit.DefineEvent[order]("order.stubborn")
	slowOrder     = inngestkit.DefineEvent[order]("order.slow")
)

func (o *orders) functions() []inngestkit.Function {
	return []inngestkit.Function{
		inngestkit.OnEvent("fragile", fragileOrder, func(ctx context.Context, _ input) (any, error) {
			return nil, o.fails.check(ctx)
		}, flow.Retries(0)),
		inngestkit.OnEvent("stubborn", stubbornOrder, func(_ context.Context, in input) (any, error) {
			if in.InputCtx.Attempt > 0 {
				<-o.retries
			}
			return nil, errBankClosed
		}, flow.Retries(1)),
		inngestkit.OnEvent("slow", slowOrder, func(context.Context, input) (any, error) {
			o.slow.Add("begun")
			<-o.release
			return "done", nil
		}, flow.Retries(0)),
	}
}

// How an app's states look from outside, from before it has a server to after its end. The
// test is not parallel, because a memory limit affects the whole process.
func TestStates(t *testing.T) {
	address := freeAddress(t)
	o := orders{retries: make(chan struct{}), release: make(chan struct{})}
	p := phases{site: setup{
		config:    inngestkit.Config{BaseURL: address},
		functions: o.functions(),
		options: []inngesthealth.Option{
			inngesthealth.WithSyncRequired(), inngesthealth.WithServerCheck(), inngesthealth.WithInterval(checkEvery),
			// Four runs have to be executed within the window, even on a slow machine.
			inngesthealth.WithFailureThreshold(0.5, 4, 4*time.Second),
		},
	}.serve(t)}
	defer func() {
		t.Logf("status of the report, liveness, readiness, and what the report says:\n%s", &p.table)
	}()

	p.becomes(t, "no server yet", unready(inngesthealth.StatusError, "inngest inngest-server"))
	server := testsite.NewServerAt(t, address)
	p.becomes(t, "not synced yet", unready(inngesthealth.StatusError, "inngest"))
	require.NoError(t, p.app.Start(t.Context()))
	p.becomes(t, "synced", fine)
	require.NoError(t, server.Stop())
	p.becomes(t, "server killed", unready(inngesthealth.StatusError, "inngest-server"))
	server = testsite.NewServerAt(t, address)
	p.becomes(t, "server back", fine)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), "shop-fragile", "shop-stubborn", "shop-slow"))

	testFailing(t, &p, &o, server)
	testMemory(t, &p)
	testEnd(t, &p, &o, server)
}

// testFailing has functions fail, one at once and one after a second attempt.
func testFailing(t *testing.T, p *phases, o *orders, server *devserver.Server) {
	t.Helper()
	send := func(event inngestkit.EventType[order]) func() {
		return func() { testsite.Send(t, p.app, event.New(order{ID: "o1"})) }
	}
	run := testsite.Ended(t, server, testsite.Send(t, p.app, fragileOrder.New(order{ID: "o1"})), testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	p.becomes(t, "function succeeds", fine)
	o.fails.fail(true)
	p.becomes(t, "function fails constantly", sick("functions", "fragile unhealthy"), send(fragileOrder))
	p.becomes(t, "it is not called for a while", fine)
	p.becomes(t, "first attempts fail", state{
		http.StatusOK, http.StatusOK, http.StatusOK, inngesthealth.StatusOK, "", "stubborn degraded",
	}, send(stubbornOrder))
	close(o.retries)
	p.becomes(t, "second attempts fail", sick("functions", "stubborn unhealthy"), send(stubbornOrder))
	p.becomes(t, "it is not called for a while", fine)
}

// testMemory has the process use more than its limit.
func testMemory(t *testing.T, p *phases) {
	t.Helper()
	before := debug.SetMemoryLimit(1 << 20) // the runtime alone has more
	defer debug.SetMemoryLimit(before)
	p.becomes(t, "memory limit reached", sick("memory", ""))
	debug.SetMemoryLimit(before)
	p.becomes(t, "memory limit is higher", fine)
}

// testEnd stops the app as in a deployment, while it executes a call that arrived after the
// load balancer was told.
func testEnd(t *testing.T, p *phases, o *orders, server *devserver.Server) {
	t.Helper()
	closing := unready(inngesthealth.StatusShuttingDown, "inngest")
	p.health.Drain()
	p.becomes(t, "drains", closing)
	eventID := testsite.Send(t, p.app, slowOrder.New(order{ID: "late"}))
	o.slow.Await(t, "begun")
	p.becomes(t, "drains and executes a call", closing)

	ended := make(chan error, 1)
	go func() { ended <- p.app.Shutdown(t.Context()) }()
	<-p.app.Draining()
	p.becomes(t, "shuts down, call still running", closing)
	active, ok := p.health.Function("slow")
	require.True(t, ok)
	require.Equal(t, int64(1), active.Active)
	require.Empty(t, ended)

	close(o.release)
	require.NoError(t, <-ended)
	p.becomes(t, "shut down", closing)
	run := testsite.Ended(t, server, eventID, testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.Equal(t, `"done"`, string(run.Output))
}

// freeAddress returns the URL of a server that does not run yet.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener := testsite.Listen(t, "")
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String()
}
