package secrets

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/planted"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// What a process writes to standard error contains no secret, and its command line neither:
// while it runs, while its server is gone, and when the runtime dumps all goroutines at its
// end.
func TestProcessesWriteNoSecrets(t *testing.T) {
	t.Parallel()
	finder := planted.NewFinder(append(planted.SigningKey("the signing key", lab.SigningKey),
		planted.Secret{Name: "the event key", Value: lab.EventKey},
		planted.Secret{Name: "the password of a URL", Value: password},
		planted.Secret{Name: "the token in a URL", Value: token})...)
	l := lab.New(t, lab.Config{Framework: "gin", Backend: lab.SQLite(t), App: func(_ int, cfg *app.Config) {
		cfg.Server, cfg.API = withPassword(cfg.Server), withToken(cfg.API)
	}})
	for _, id := range l.Send(app.Steps, 3) {
		run := testsite.Ended(t, l.Server, id, testsite.Timeout)
		require.NotEmpty(t, run.Output)
	}
	searchCommandLines(t, finder)
	require.NoError(t, l.Server.Kill())
	p := l.Processes[0]
	require.NoError(t, syscall.Kill(p.Pid(), syscall.SIGQUIT))
	p.AwaitEnd(t)
	require.Contains(t, p.Log(), "SIGQUIT: quit")
	require.Contains(t, p.Log(), "inngest: synced")
	finder.Absent(t, "what the process has written", p.Log())
}
