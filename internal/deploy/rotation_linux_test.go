package deploy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Signing keys are rotated as docs/deployment.md says, on a self-hosted server: the app learns
// the new key, then the server has it, then the app forgets the old one. At each point runs
// complete and the app can be announced. The way back is the same with the keys exchanged.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	first, second, eventKey := newKey(t), newKey(t), newKey(t)
	state, serverPort, port := t.TempDir(), freePort(t), freePort(t)
	start := func(key string) *devserver.Server {
		t.Helper()
		return devserver.New(t, devserver.Config{
			SigningKey: key, EventKey: eventKey, StateDir: state, Port: serverPort, RetryInterval: time.Second,
		})
	}
	server := start(first)
	deploy := func(key, fallback string) *process {
		t.Helper()
		p := startProgram(t, port, "INNGEST_BASE_URL="+server.URL(), "INNGEST_SIGNING_KEY="+key,
			"INNGEST_SIGNING_KEY_FALLBACK="+fallback, "INNGEST_EVENT_KEY="+eventKey, "WORK_TIME=10ms")
		out, err := p.run(t, "sync")
		require.NoError(t, err, out)
		return p
	}
	app := deploy(first, "")
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	redeploy := func(key, fallback string) {
		t.Helper()
		app.terminate(t)
		app.awaitEnd(t)
		app = deploy(key, fallback)
		completes(t, app, server, "sales")
	}
	for _, keys := range [][2]string{{first, second}, {second, first}} {
		old, next := keys[0], keys[1]
		redeploy(next, old)
		require.NoError(t, server.Stop())
		server = start(next)
		completes(t, app, server, "stock") // the server has kept the functions
		out, err := app.run(t, "sync")
		require.NoError(t, err, out)
		redeploy(next, "")
	}

	// The server's key must not change before the app knows it.
	require.NoError(t, server.Stop())
	server = start(second)
	out, err := app.run(t, "sync")
	require.Error(t, err)
	require.Contains(t, out, "it refused the signing key")
}
