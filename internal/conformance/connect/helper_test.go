package connect

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/core/step"
	"github.com/inngestkit/inngestkit/inngesttest"
)

func TestMain(m *testing.M) {
	if code, done := isolated(); done {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m,
		// The SDK looks five seconds after each reply whether it was acknowledged,
		// and nothing ends that earlier.
		goleak.IgnoreTopFunction("github.com/inngest/inngestgo/connect.(*messageBuffer).addPending.func1"))
}

const testTimeout = time.Minute

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

// newServer starts a server that passes calls on to connections. Where the tests
// have no network of their own, it waits until no other server is in the way.
func newServer(t *testing.T, config inngesttest.ServerConfig) *inngesttest.Server {
	t.Helper()
	config.RetryInterval = time.Second
	ctx := within(t)
	for {
		server, err := inngesttest.StartServer(ctx, config)
		require.NoError(t, err)
		if !strings.Contains(server.Logs(), "could not listen for grpc") {
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

// worker is one running instance of an app, as a process would be.
type worker struct {
	app   *inngestkit.App
	ended chan error
}

// connected runs an app in dev mode, connected to the server, until the end of
// the test.
func connected(t *testing.T, server *inngesttest.Server, appID string, functions ...inngestkit.Function) *worker {
	t.Helper()
	return connect(t, inngestkit.Config{AppID: appID, Dev: true, BaseURL: server.URL()}, functions...)
}

func connect(t *testing.T, config inngestkit.Config, functions ...inngestkit.Function) *worker {
	t.Helper()
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
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
	require.NoError(t, app.AwaitSync(within(t)))
	return w
}

// stop shuts the app down, which ends Connect.
func (w *worker) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), testTimeout)
	defer cancel()
	require.NoError(t, w.app.Shutdown(ctx))
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
	ids, err := w.app.Send(within(t), event)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

// await waits for the one run that an event has triggered to end.
func await(t *testing.T, server *inngesttest.Server, eventID string) inngesttest.Run {
	t.Helper()
	runs, err := server.AwaitRuns(within(t), eventID, 1)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	return runs[0]
}

// counter counts how often the parts of a function run, and lets a test wait for
// a part.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
	seen   map[string]chan struct{}
}

// add counts a part and returns how often it has run.
func (c *counter) add(part string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[part]++
	if c.counts[part] == 1 {
		close(c.channel(part))
	}
	return c.counts[part]
}

func (c *counter) of(part string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[part]
}

// await waits until part has run.
func (c *counter) await(t *testing.T, part string) {
	t.Helper()
	c.mu.Lock()
	seen := c.channel(part)
	c.mu.Unlock()
	select {
	case <-seen:
	case <-within(t).Done():
		require.Fail(t, "never ran", part)
	}
}

func (c *counter) channel(part string) chan struct{} {
	if c.seen == nil {
		c.seen = map[string]chan struct{}{}
	}
	if c.seen[part] == nil {
		c.seen[part] = make(chan struct{})
	}
	return c.seen[part]
}

// counted is a step that counts its runs and returns its own ID.
func (c *counter) counted(ctx context.Context, id string) (string, error) {
	return step.Run(ctx, id, func(context.Context) (string, error) {
		c.add(id)
		return id, nil
	})
}
