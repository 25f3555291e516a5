package deploy

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

func itoa(n int) string { return strconv.Itoa(n) }

// On SIGTERM readyz fails at once, and calls are still accepted. After the pause, the steps in
// progress finish, and their results reach the server: the next process goes on after them.
func TestProgramDrains(t *testing.T) {
	t.Parallel()
	key, eventKey := newKey(t), newKey(t)
	server := devserver.New(t, devserver.Config{SigningKey: key, EventKey: eventKey, RetryInterval: time.Second})
	env := []string{
		"INNGEST_BASE_URL=" + server.URL(), "INNGEST_SIGNING_KEY=" + key, "INNGEST_EVENT_KEY=" + eventKey,
		"WORK_TIME=8s", "DRAIN_PAUSE=8s", "DRAIN_TIMEOUT=30s",
	}
	port := freePort(t)
	old := startProgram(t, port, env...)
	out, err := old.run(t, "sync")
	require.NoError(t, err, out)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	events := []string{old.requestReport(t, "sales")}
	rendering := func(p *process) int { return strings.Count(p.log.String(), `"rendering"`) }
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return rendering(old) == 1 })

	stopped := time.Now()
	old.terminate(t)
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return old.get(t, "/health/inngest/readyz") == http.StatusServiceUnavailable })
	require.Less(t, time.Since(stopped), 8*time.Second, "readyz must fail before calls are rejected")
	require.Equal(t, http.StatusOK, old.get(t, "/health/inngest/livez"), "a restart would not help")
	events = append(events, old.requestReport(t, "stock"))
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return rendering(old) == 2 })
	old.awaitEnd(t)
	require.Contains(t, old.log.String(), `"complete":true`)
	require.Less(t, time.Since(stopped), 30*time.Second, "it ended long after the steps")

	next := startProgram(t, port, env...)
	for _, event := range events {
		run := testsite.Ended(t, server, event, testsite.Timeout)
		require.Equal(t, devserver.RunCompleted, run.Status, "%s", run)
	}
	require.Equal(t, []int{2, 0}, []int{rendering(old), rendering(next)}, "a step has run again")
}

// A step that takes longer than DRAIN_TIMEOUT does not keep the program, which says so.
func TestProgramGivesUp(t *testing.T) {
	t.Parallel()
	key, eventKey := newKey(t), newKey(t)
	server := devserver.New(t, devserver.Config{SigningKey: key, EventKey: eventKey})
	p := startProgram(t, freePort(t), "INNGEST_BASE_URL="+server.URL(), "INNGEST_SIGNING_KEY="+key, "INNGEST_EVENT_KEY="+eventKey,
		"WORK_TIME=10m", "DRAIN_TIMEOUT=1s")
	out, err := p.run(t, "sync")
	require.NoError(t, err, out)
	require.NoError(t, server.AwaitFunctions(testsite.Within(t), function))
	p.requestReport(t, "sales")
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return strings.Contains(p.log.String(), `"rendering"`) })
	stopped := time.Now()
	p.terminate(t)
	<-p.ended
	require.Less(t, time.Since(stopped), 20*time.Second)
	require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
	require.Contains(t, p.log.String(), `"complete":false`)
}
