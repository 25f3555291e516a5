package lab

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
)

// A Process is one process of the app.
type Process struct {
	// Config is what it was started with.
	Config app.Config
	// Addr is where it listens, without the proxy.
	Addr string

	gauges string // where its gauges are
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error
	log    *testsite.Log
}

// startProcess starts the test binary as an app, and waits until it listens.
func startProcess(t *testing.T, cfg app.Config, env ...string) *Process {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	p := &Process{Config: cfg, ended: make(chan struct{}), log: &testsite.Log{}}
	p.cmd = exec.Command(self) //nolint:noctx // Kill and Terminate end it
	p.cmd.Env = append(append(os.Environ(), app.Env+"="+string(text)), env...)
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of %s:\n%s", cfg.Name, p.log)
		}
	})
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if addr, found := strings.CutPrefix(lines.Text(), app.Listening); found {
				listening <- addr
			}
			if addr, found := strings.CutPrefix(lines.Text(), app.Gauges); found {
				p.gauges = addr
			}
		}
		p.err = p.cmd.Wait()
	}()
	select {
	case p.Addr = <-listening:
	case <-p.ended:
		require.Fail(t, "the app process has not started", "%s: %v\n%s", cfg.Name, p.err, p.log)
	}
	return p
}

// Log returns what the process has logged.
func (p *Process) Log() string { return p.log.String() }

// Pid returns the ID of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Gauge returns what the process uses, after a garbage collection.
func (p *Process) Gauge(t *testing.T) (gauge app.Gauge) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.gauges, nil)
	require.NoError(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&gauge))
	return gauge
}

// Kill ends the process at once (SIGKILL).
func (p *Process) Kill(t *testing.T) {
	t.Helper()
	p.kill()
}

// Signal asks the process to stop, as an orchestrator does (SIGTERM).
func (p *Process) Signal(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
}

// AwaitStop waits for the end of the process after [Process.Signal], and fails the test
// unless it ends without an error.
func (p *Process) AwaitStop(t *testing.T) {
	t.Helper()
	p.AwaitEnd(t)
	require.NoError(t, p.err, "the end of %s: %s", p.Config.Name, p.log)
}

// Terminate is [Process.Signal] and [Process.AwaitStop].
func (p *Process) Terminate(t *testing.T) {
	t.Helper()
	p.Signal(t)
	p.AwaitStop(t)
}

// AwaitEnd waits until the process has ended by itself, as ordered.
func (p *Process) AwaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(t, "the process has not ended", "%s", p.log)
	}
}

func (p *Process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}
