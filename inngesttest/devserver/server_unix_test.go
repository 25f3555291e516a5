//go:build unix

package devserver

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests in this file run scripts that they have just written. They are not parallel:
// a process forked by another test at the wrong moment would hold the script open, and
// Linux does not run a file that is open for writing.

func TestEarlyExitCarriesTheLog(t *testing.T) {
	binary := writeExecutable(t, t.TempDir(), "inngest", cli("1.2.3-")+"echo it cannot go on; exit 3\n")
	t.Setenv("TMPDIR", t.TempDir())
	start := time.Now()
	_, err := Start(t.Context(), Config{Binary: binary})
	require.ErrorContains(t, err, binary)
	require.ErrorContains(t, err, "exit status 3")
	require.ErrorContains(t, err, "it cannot go on")
	require.Less(t, time.Since(start), 10*time.Second)
	requireEmpty(t, os.Getenv("TMPDIR"))
}

func TestPortRaceIsTriedAgain(t *testing.T) {
	found, err := Find(t.Context(), os.Stderr)
	require.NoError(t, err)
	dir := t.TempDir()
	count := filepath.Join(dir, "count")
	// The port is what follows --port.
	server := func(help string) string {
		return `#!/bin/sh
case "$1 $2" in
	version*) echo 1.2.3-; exit;;
	*--help) ` + help + `; exit;;
esac
for arg; do [ "$last" = --port ] && port=$arg; last=$arg; done
`
	}
	asFound := server("'" + found.Path + "' dev --help")
	binary := writeExecutable(t, dir, "inngest", asFound+`echo try >> '`+count+`'
[ "$(wc -l < '`+count+`')" -ge 3 ] && exec '`+found.Path+`' "$@"
echo "listen tcp 127.0.0.1:$port: bind: address already in use"
exit 1
`)
	New(t, Config{Binary: binary})
	tries, err := os.ReadFile(count)
	require.NoError(t, err)
	require.Equal(t, "try\ntry\ntry\n", string(tries))

	// A fixed port is not retried, and a free one only a few times.
	binary = writeExecutable(t, dir, "never", asFound+`echo try >> '`+count+`2'
echo "listen tcp 127.0.0.1:$port: bind: address already in use"
exit 1
`)
	_, err = Start(t.Context(), Config{Binary: binary})
	require.ErrorIs(t, err, errPortTaken)
	tries, err = os.ReadFile(count + "2")
	require.NoError(t, err)
	require.Len(t, tries, portAttempts*len("try\n"))

	// A port that we cannot choose would be taken the next time, too.
	binary = writeExecutable(t, dir, "other", server("echo "+gatewayGRPCFlag+" int "+executorGRPCFlag+" int")+`echo try >> '`+count+`3'
echo "listen tcp :50052: bind: address already in use"
exit 1
`)
	_, err = Start(t.Context(), Config{Binary: binary})
	require.NotErrorIs(t, err, errPortTaken)
	require.ErrorContains(t, err, ":50052: bind: address already in use")
	tries, err = os.ReadFile(count + "3")
	require.NoError(t, err)
	require.Equal(t, "try\n", string(tries))
}

// Start returns when the context ends, and kills a server that does not respond,
// with its children.
func TestStartIsBoundByTheContext(t *testing.T) {
	dir := t.TempDir()
	binary := writeExecutable(t, dir, "inngest", cli("1.2.3-")+"[ $# -lt 3 ] && exit\ntrap '' TERM\necho still thinking $$\nsleep 1000\nsleep 1000\n")
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Start(ctx, Config{Binary: binary})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "still thinking")
	require.Less(t, time.Since(start), 10*time.Second)
	requireEmpty(t, os.Getenv("TMPDIR"))
}

// A server that ends by itself fails the test that uses it, and its directory is removed.
func TestServerThatDies(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	tb := &recordingTB{TB: t}
	s := New(tb, Config{})
	waited := make(chan error, 1)
	go func() {
		_, err := s.AwaitRuns(context.WithoutCancel(t.Context()), "01J00000000000000000000000", 1) // no such event
		waited <- err
	}()
	require.NoError(t, kill(s.proc.cmd.Process))
	require.ErrorContains(t, <-waited, "the server has ended: signal: killed")
	<-s.Done()
	requireEmpty(t, os.Getenv("TMPDIR"))
	tb.runCleanups()
	require.Contains(t, tb.errors, "ended by itself (signal: killed)")
	require.Contains(t, tb.logs, "service starting", "the log is there")
}

// runCleanups does what the end of a test does. Only the test above uses it.
func (r *recordingTB) runCleanups() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}
