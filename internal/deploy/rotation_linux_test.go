package deploy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Keys are rotated as docs/deployment.md says, on a self-hosted server: the app learns the new
// key, then the server has it, then the app forgets the old one. At each point runs complete and
// the app can be announced. The way back is the same with the keys exchanged.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	first, second := [2]string{newKey(t), newKey(t)}, [2]string{newKey(t), newKey(t)} // signing key, event key
	state, serverPort, port := t.TempDir(), freePort(t), freePort(t)
	start := func(signingKey string, eventKeys ...string) *devserver.Server {
		t.Helper()
		cfg := devserver.Config{
			SigningKey: signingKey, EventKey: eventKeys[0], StateDir: state, Port: serverPort, RetryInterval: time.Second,
		}
		for _, more := range eventKeys[1:] {
			cfg.Args = append(cfg.Args, "--event-key", more)
		}
		return devserver.New(t, cfg)
	}
	server := start(first[0], first[1])
	deploy := func(signingKey, eventKey string, more ...string) *process {
		return startProgram(t, port, append(more, "INNGEST_BASE_URL="+server.URL(), "INNGEST_SIGNING_KEY="+signingKey,
			"INNGEST_EVENT_KEY="+eventKey, "WORK_TIME=10ms")...)
	}
	app := deploy(first[0], first[1])
	syncs := func() {
		out, err := app.run(t, "sync")
		require.NoError(t, err, out)
	}
	redeploy := func(signingKey, eventKey string, more ...string) {
		app.terminate(t)
		app.awaitEnd(t)
		app = deploy(signingKey, eventKey, more...)
		syncs()
		completes(t, app, server, "sales")
	}
	syncs()
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	for _, keys := range [][2][2]string{{first, second}, {second, first}} {
		old, next := keys[0], keys[1]
		redeploy(next[0], old[1], "INNGEST_SIGNING_KEY_FALLBACK="+old[0])
		require.NoError(t, server.Stop())
		server = start(next[0], old[1], next[1])
		completes(t, app, server, "without a sync") // the server keeps the functions
		redeploy(next[0], next[1])
	}

	// The server's key must not change before the app knows it.
	require.NoError(t, server.Stop())
	server = start(second[0], first[1])
	out, err := app.run(t, "sync")
	require.Error(t, err)
	require.Contains(t, out, "it refused the signing key")
}
