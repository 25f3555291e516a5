package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A program is this program in a separate process, which keeps its files in dir.
type program struct {
	cmd   *exec.Cmd
	dir   string
	out   io.ReadCloser
	lines *bufio.Scanner
	log   strings.Builder
}

func start(t *testing.T, build bool, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &program{dir: t.TempDir(), cmd: exec.CommandContext(t.Context(), self, args...)}
	p.cmd.Env = append(os.Environ(), programEnv+"=1", "TMPDIR="+p.dir)
	if build {
		// The go command keeps its own cache, or this would take minutes.
		goCmd, err := exec.LookPath("go")
		require.NoError(t, err)
		goCache, err := exec.CommandContext(t.Context(), goCmd, "env", "GOCACHE").Output()
		require.NoError(t, err)
		p.cmd.Env = append(p.cmd.Env, "INNGEST_CLI_PATH=", "XDG_CACHE_HOME="+filepath.Join(p.dir, "cache"),
			"GOCACHE="+strings.TrimSpace(string(goCache)), "PATH="+filepath.Dir(goCmd))
	}
	p.out, err = p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.lines = bufio.NewScanner(p.out)
	return p
}

// await reads the output up to a line with the text.
func (p *program) await(t *testing.T, text string) {
	t.Helper()
	for p.next() {
		if strings.Contains(p.lines.Text(), text) {
			return
		}
	}
	require.Fail(t, "the program ended too early", p.log.String())
}

// awaitChild waits until the program runs a server or a build, and returns the ID of
// that process.
func (p *program) awaitChild(t *testing.T) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for pid := range processes(t, p.dir) {
			if pid != p.cmd.Process.Pid {
				return pid
			}
		}
	}
	require.Fail(t, "no child process", p.log.String())
	return 0
}

// drain reads the output to its end.
func (p *program) drain() {
	for p.next() {
	}
}

func (p *program) next() bool {
	if !p.lines.Scan() {
		return false
	}
	fmt.Fprintln(&p.log, p.lines.Text())
	return true
}

// status waits until the program has ended, and returns its exit status like shells.
func (p *program) status() int {
	_ = p.cmd.Wait() // ProcessState says more
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func (p *program) requireNothingLeft(t *testing.T) {
	t.Helper()
	require.Empty(t, processes(t, p.dir), "processes")
	require.NoError(t, filepath.WalkDir(p.dir, func(path string, entry os.DirEntry, err error) error {
		require.NoError(t, err)
		// The cache for the server remains, with the lock for builds.
		if !entry.IsDir() {
			require.Equal(t, "lock", entry.Name(), "left: %s", path)
		}
		if entry.IsDir() && path != p.dir {
			require.Contains(t, path, filepath.Join(p.dir, "cache"), "left: %s", path)
			require.NotContains(t, entry.Name(), "build-", "left: %s", path)
		}
		return nil
	}))
}

// processes returns all processes of the program that keeps its files in dir, by process
// ID: itself, a server, a build. All have dir in their environment or arguments, or as
// working directory.
func processes(t *testing.T, dir string) map[int]string {
	t.Helper()
	all, err := os.ReadDir("/proc")
	require.NoError(t, err)
	found := map[int]string{}
	for _, entry := range all {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A process that cannot be read has ended, or belongs to another user.
		environ, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		cmdline, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		cwd, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if strings.Contains(string(environ)+string(cmdline)+cwd, dir) {
			found[pid] = fmt.Sprintf("%q in %s", cmdline, cwd)
		}
	}
	return found
}
