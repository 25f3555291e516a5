package connect

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngesthealth "github.com/inngestkit/inngestkit/contrib/health"
	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func TestMain(m *testing.M) {
	if code, done := testsite.Isolated(); done {
		os.Exit(code)
	}
	goleak.VerifyTestMain(patient{m}, ignored)
}

// ignored is a goroutine of the SDK that checks five seconds after each reply whether
// it was acknowledged. Nothing ends it earlier.
var ignored = goleak.IgnoreTopFunction("github.com/inngest/inngestgo/connect.(*messageBuffer).addPending.func1")

// patient runs the tests and then waits for goroutines of the SDK. After a server has
// requested to drain and was stopped, the SDK waits ten seconds for another server
// (gatewayDrainReplacementTimeout in its connect/connection.go).
type patient struct{ *testing.M }

// Run implements goleak.TestingM.
func (m patient) Run() int {
	code := m.M.Run()
	for end := time.Now().Add(15 * time.Second); goleak.Find(ignored) != nil && time.Now().Before(end); {
		continue // Find has waited
	}
	return code
}

// noConnect is logged by the oldest server if another one has its ports.
const noConnect = "could not listen for grpc"

// newServer starts a server that supports connections. If the tests of the oldest
// server have no network of their own, it waits until no other server has its ports.
func newServer(t *testing.T, config devserver.Config) *devserver.Server {
	t.Helper()
	config.RetryInterval = time.Second
	ctx := testsite.Within(t)
	for {
		server, err := devserver.Start(ctx, config)
		require.NoError(t, err)
		if !strings.Contains(server.Logs(), noConnect) {
			t.Cleanup(func() {
				require.NoError(t, server.Stop())
				if t.Failed() {
					t.Logf("the end of the server's log:\n%s", server.Logs())
				}
			})
			return server
		}
		require.NoError(t, server.Stop())
		select {
		case <-ctx.Done():
			require.Fail(t, "another server has the ports 50052 and 50053", "stop it, these tests need the machine's only one")
		case <-time.After(time.Second):
		}
	}
}

// A worker is one running instance of an app, like a process.
type worker struct {
	app   *inngestkit.App
	ended chan error
}

// connected connects an app in dev mode to the server until the end of the test.
func connected(t *testing.T, server *devserver.Server, appID string, functions ...inngestkit.Function) *worker {
	t.Helper()
	return connect(t, inngestkit.Config{AppID: appID, Dev: true, BaseURL: server.URL()}, functions...)
}

func connect(t *testing.T, config inngestkit.Config, functions ...inngestkit.Function) *worker {
	t.Helper()
	config.Logger = testsite.Logger(t)
	app, err := inngestkit.New(config)
	require.NoError(t, err)
	require.NoError(t, app.Register(functions...))
	return run(t, app)
}

// run connects an app.
func run(t *testing.T, app *inngestkit.App) *worker {
	t.Helper()
	w := &worker{app: app, ended: make(chan error, 1)}
	go func() { w.ended <- app.Connect(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() { w.stop(t) })
	require.NoError(t, app.AwaitSync(testsite.Within(t)))
	return w
}

// stop shuts the app down, which ends Connect.
func (w *worker) stop(t *testing.T) {
	t.Helper()
	testsite.Stop(t, w.app.Shutdown)
	if w.ended != nil {
		require.NoError(t, <-w.ended)
		w.ended = nil
	}
	// The SDK's requests go through it.
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// send sends one event and returns its ID.
func (w *worker) send(t *testing.T, event inngestkit.AnyEvent) string {
	t.Helper()
	return testsite.Send(t, w.app, event)
}

// await waits for the end of the only run that an event triggers.
func await(t *testing.T, server *devserver.Server, eventID string) devserver.Run {
	t.Helper()
	return testsite.Ended(t, server, eventID, testsite.Timeout)
}

// readiness returns the status of the readiness probe.
func readiness(t *testing.T, health *inngesthealth.Health) int {
	t.Helper()
	w := httptest.NewRecorder()
	health.ReadyHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
	return w.Code
}

type counter = testsite.Counter
