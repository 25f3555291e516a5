package devserver

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// helperEnv makes this test binary run as a helper process instead of its tests. The value
// selects what the helper does.
const helperEnv = "INNGESTTEST_HELPER"

// helperMain runs the helper process. It prints a line when it is ready, and then waits to
// be killed.
func helperMain() {
	task, arg, _ := strings.Cut(os.Getenv(helperEnv), " ")
	switch task {
	case "server":
		s, err := Start(context.Background(), Config{Binary: arg})
		if err != nil {
			helperSays(err)
			os.Exit(1)
		}
		helperSays(s.proc.cmd.Process.Pid, s.state)
	case "lock":
		if _, err := lockFile(context.Background(), arg, func() {}); err != nil {
			helperSays(err)
			os.Exit(1)
		}
		helperSays("locked")
	}
	select {}
}

// helperSays prints the line that startHelper waits for.
func helperSays(words ...any) { _, _ = fmt.Fprintln(os.Stdout, words...) }

// startHelper starts this test binary as a helper process, and returns it with the line it
// printed. The helper is killed when the test ends.
func startHelper(t *testing.T, task, arg string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperEnv+"="+task+" "+arg)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // reports that it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "helper: %s", line)
	return cmd, strings.TrimSpace(line)
}

// recordingTB is a testing.TB that a test can watch fail.
type recordingTB struct {
	testing.TB

	fatal, errors, logs string
	skipped             bool
	cleanups            []func()
}

func (r *recordingTB) Fatal(args ...any) {
	r.fatal += fmt.Sprintln(args...)
	runtime.Goexit()
}
func (r *recordingTB) Errorf(format string, args ...any) { r.errors += fmt.Sprintf(format, args...) }
func (r *recordingTB) Error(args ...any)                 { r.errors += fmt.Sprintln(args...) }
func (r *recordingTB) Logf(format string, args ...any)   { r.logs += fmt.Sprintf(format, args...) }
func (r *recordingTB) Failed() bool                      { return r.errors != "" || r.fatal != "" }
func (r *recordingTB) Skip(...any)                       { r.skipped = true; runtime.Goexit() }
func (r *recordingTB) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
