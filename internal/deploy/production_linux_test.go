package deploy

import (
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

const function = "reports-make-report"

// completes requests a report and waits until its run has completed.
func completes(t *testing.T, p *process, server *devserver.Server, name string) devserver.Run {
	t.Helper()
	run := testsite.Ended(t, server, p.requestReport(t, name), testsite.Timeout)
	require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	require.JSONEq(t, `{"name":"`+name+`","rows":42,"file":"`+name+`.pdf"}`, string(run.Output))
	return run
}

// The image's program serves in cloud mode from the environment alone: it is announced by its
// own command, its probes respond, and its run completes on a self-hosted server.
func TestProgram(t *testing.T) {
	t.Parallel()
	key, eventKey := newKey(t), newKey(t)
	server := devserver.New(t, devserver.Config{SigningKey: key, EventKey: eventKey, RetryInterval: time.Second})
	p := startProgram(t, freePort(t), "INNGEST_BASE_URL="+server.URL(), "INNGEST_SIGNING_KEY="+key, "INNGEST_EVENT_KEY="+eventKey,
		"WORK_TIME=10ms")
	for _, path := range []string{"/health/inngest", "/health/inngest/livez", "/health/inngest/readyz"} {
		require.Equal(t, http.StatusOK, p.get(t, path), path)
	}
	out, err := p.run(t, "health")
	require.NoError(t, err, out)
	functions, err := server.Functions(testsite.Within(t))
	require.NoError(t, err)
	require.Empty(t, functions, "in cloud mode nothing is announced at startup")

	out, err = p.run(t, "sync")
	require.NoError(t, err, out)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	completes(t, p, server, "sales")

	status, err := os.ReadFile("/proc/" + itoa(p.cmd.Process.Pid) + "/status")
	require.NoError(t, err)
	require.NotRegexp(t, `(?m)^Uid:.*\t0\b`, string(status), "it runs as root")
	for _, secret := range []string{key, eventKey} {
		require.NotContains(t, p.log.String(), secret)
	}
	p.terminate(t)
	p.awaitEnd(t)
	out, err = p.run(t, "health")
	require.Error(t, err, "%s", out)
}

// Compose's health check of the Inngest server works where the server is, and only there.
func TestComposeHealthCheck(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, "compose.yaml", realEnv(t))
	require.NoError(t, err)
	test := project.Services["inngest"].HealthCheck.Test
	require.Equal(t, "CMD", test[0])
	server := testsite.NewServer(t)
	check := func(port string) error {
		args := slices.Clone(test[1:])
		last := len(args) - 1
		require.Contains(t, args[last], "/127.0.0.1/8288")
		args[last] = strings.ReplaceAll(args[last], "/8288", "/"+port)
		return exec.CommandContext(testsite.Within(t), args[0], args[1:]...).Run()
	}
	require.NoError(t, check(itoa(testsite.PortOf(t, server.URL()))))
	require.Error(t, check(itoa(freePort(t))))
}
