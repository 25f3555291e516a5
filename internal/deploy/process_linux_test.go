package deploy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// A process is the program with nothing but these variables, as a user who is not root.
type process struct {
	url   string
	env   []string
	cmd   *exec.Cmd
	ended chan struct{}
	log   testsite.Log
}

// command returns a command of the program.
func command(ctx context.Context, t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, buildBinary(t), args...)
	cmd.Dir, cmd.Env = "/", env
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	return cmd
}

// startProgram starts the program on a port, and waits until it is ready.
func startProgram(t *testing.T, port int, env ...string) *process {
	t.Helper()
	p := &process{url: fmt.Sprintf("http://127.0.0.1:%d", port), ended: make(chan struct{})}
	p.env = append(env, fmt.Sprintf("PORT=%d", port), "INNGEST_APP_ID=reports", "INNGEST_SERVE_HOST="+p.url)
	p.cmd = command(context.WithoutCancel(t.Context()), t, p.env)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // ProcessState says more
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%s\n%s", p.url, p.log.String())
		}
	})
	testsite.Eventually(t, 20*time.Millisecond, func() bool { return p.get(t, "/health/inngest/readyz") == http.StatusOK })
	return p
}

// run executes another command of the program, with the same variables.
func (p *process) run(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	text, err := command(testsite.Within(t), t, p.env, args...).CombinedOutput()
	return string(text), err
}

// get returns the status of a response, 0 if there is none.
func (p *process) get(t *testing.T, path string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// requestReport requests a report, and returns the ID of its event.
func (p *process) requestReport(t *testing.T, name string) (eventID string) {
	t.Helper()
	req, err := http.NewRequestWithContext(testsite.Within(t), http.MethodPost, p.url+"/reports", strings.NewReader(`{"name":"`+name+`"}`))
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, resp.StatusCode, "%s", text)
	id, found := strings.CutPrefix(strings.TrimSpace(string(text)), `{"eventId":"`)
	require.True(t, found, "%s", text)
	return strings.TrimSuffix(id, `"}`)
}

// terminate sends SIGTERM.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
}

// awaitEnd waits for the end of the process, which has to succeed.
func (p *process) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-testsite.Within(t).Done():
		require.Fail(t, "the program has not ended")
	}
	require.Zero(t, p.cmd.ProcessState.ExitCode(), p.log.String())
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener := testsite.Listen(t, "")
	require.NoError(t, listener.Close())
	return listener.Addr().(*net.TCPAddr).Port
}
