//go:build linux

package faults_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// Only Linux has /dev/full, and pipes that open for reading and writing at once.

// A log on a full disk loses its lines, and nothing else. Each failed step is logged.
func TestLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	withAdapters(t, "echo", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) { cfg.Log = "/dev/full" }})
		l.Ledger.Order(app.Fail, "three", false, inFlight)
		for _, function := range []string{app.Steps, app.Checkpoints} {
			l.Send(function, inFlight)
		}
		require.Equal(t, inFlight, l.Holds().Repeated)
		l.Processes[0].Terminate(t)
	})
}

// A log that blocks holds up the calls that log, as slog does, and no others. Once it is
// read, they go on, and all runs complete.
func TestLogThatBlocks(t *testing.T) {
	t.Parallel()
	withAdapters(t, "gin", func(t *testing.T, framework string) {
		path := filepath.Join(t.TempDir(), "log")
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		log := openPipe(t, path)
		l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) { cfg.Log = path }})
		log.fill(t)
		var failures atomic.Int64
		l.Calls.Inject(func(e *lab.Exchange) lab.Fault {
			return lab.Fault{AfterResponse: func() {
				if bytes.Contains(e.ResponseBody, []byte("StepError")) {
					failures.Add(1)
				}
			}}
		})

		l.Ledger.Order(app.Fail, "three", false, inFlight)
		l.Send(app.Steps, inFlight)
		l.Ledger.Await(t, lab.Started, "three", inFlight)
		// Runs that log nothing complete.
		l.Send(app.Once, inFlight)
		l.Ledger.Await(t, lab.Delivered, "once", inFlight)
		require.Zero(t, failures.Load(), "responses that should wait for the log")

		log.read(t)
		require.Equal(t, inFlight, l.Holds().Repeated)
		require.EqualValues(t, inFlight, failures.Load())
		l.Processes[0].Terminate(t)
	})
}

// A pipe is a named pipe with both ends open.
type pipe struct{ *os.File }

func openPipe(t *testing.T, path string) pipe {
	t.Helper()
	// Open for reading and writing, which does not wait for another process.
	file, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return pipe{file}
}

// fill writes until the pipe takes no more.
func (p pipe) fill(t *testing.T) {
	t.Helper()
	raw, err := p.SyscallConn()
	require.NoError(t, err)
	line := []byte("\n") // bytes, because a line of the log must not fit into the rest
	require.NoError(t, raw.Control(func(fd uintptr) {
		for err == nil {
			_, err = syscall.Write(int(fd), line)
		}
	}))
	require.ErrorIs(t, err, syscall.EAGAIN)
}

// read reads the pipe from now on.
func (p pipe) read(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, p) // ends with the file
	}()
	t.Cleanup(func() {
		_ = p.Close()
		<-done
	})
}
