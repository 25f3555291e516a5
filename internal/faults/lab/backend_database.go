package lab

import (
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

const (
	// databasePatience limits the start of a database, also after a crash.
	databasePatience = 30 * time.Second
	// databasePoll is the interval of the questions whether it is ready.
	databasePoll = 50 * time.Millisecond
)

// A Database is a process that keeps the state of Inngest servers.
type Database struct {
	// URI is its address, which it keeps when it is started again.
	URI string

	name    string
	command func() *exec.Cmd
	ready   func() bool
	cmd     *exec.Cmd
	ended   chan struct{}
	log     *testsite.Log
}

// Kill ends the database at once (SIGKILL). Its state remains.
func (d *Database) Kill() {
	_ = d.cmd.Process.Kill() // it may have ended
	<-d.ended
}

// Restart starts the database again with its state, and returns when it responds.
func (d *Database) Restart(tb testing.TB) {
	tb.Helper()
	d.Kill()
	d.start(tb)
}

// start starts the process until it is ready. After a crash the first attempts may fail:
// PostgreSQL refuses to start before the children of its former process have ended.
func (d *Database) start(tb testing.TB) {
	tb.Helper()
	deadline := time.Now().Add(databasePatience)
	for time.Now().Before(deadline) {
		d.launch(tb)
		for time.Now().Before(deadline) {
			if d.ready() {
				return
			}
			select {
			case <-d.ended:
			case <-time.After(databasePoll):
				continue
			}
			break
		}
	}
	tb.Fatalf("%s has not started within %s:\n%s", d.name, databasePatience, d.log)
}

// launch starts the process. The thread that starts it waits for it, because the process is
// killed when this thread ends (see attach).
func (d *Database) launch(tb testing.TB) {
	tb.Helper()
	cmd, ended, started := d.command(), make(chan struct{}), make(chan error, 1)
	cmd.Stdout, cmd.Stderr = d.log, d.log
	d.cmd, d.ended = cmd, ended
	go func() {
		defer close(ended)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // reports that it was killed
		}
	}()
	require.NoError(tb, <-started, d.name)
}

// needs fails the test if a program is missing.
func needs(tb testing.TB, name string, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("the program %s is missing (%v); install it: apt-get install postgresql redis-server", name, err)
	}
}

// freePort returns a port of the loopback interface that was free a moment ago.
func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	require.NoError(tb, err)
	require.NoError(tb, l.Close())
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
