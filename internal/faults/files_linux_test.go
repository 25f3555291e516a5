package faults_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
	"github.com/inngestkit/inngestkit/internal/faults/app"
	"github.com/inngestkit/inngestkit/internal/faults/lab"
)

// A process survives more connections than it has file descriptors, with calls in flight, and
// serves calls again when they are closed. On Fiber this takes a Concurrency below the limit:
// otherwise fasthttp's Serve returns when it cannot accept a connection.
func TestOutOfFiles(t *testing.T) {
	t.Parallel()
	const limit, concurrency, connections = 256, 200, 400
	withAdapters(t, "fiber", func(t *testing.T, framework string) {
		l := lab.New(t, lab.Config{Framework: framework, App: func(_ int, cfg *app.Config) { cfg.Concurrency = concurrency }})
		process := l.Processes[0]
		release := l.Ledger.Hold("three", false, inFlight)
		l.Send(app.Steps, inFlight)
		l.Ledger.Await(t, lab.Started, "three", inFlight)
		files := unix.Rlimit{Cur: limit, Max: limit}
		require.NoError(t, unix.Prlimit(process.Pid(), unix.RLIMIT_NOFILE, &files, nil))
		conns := make([]net.Conn, connections)
		for i := range conns {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", process.Addr)
			require.NoError(t, err)
			conns[i] = conn
		}
		testsite.Eventually(t, 10*time.Millisecond, func() bool {
			open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", process.Pid()))
			require.NoError(t, err, "the process has ended")
			if strings.HasPrefix(framework, "fiber") {
				return len(open) >= concurrency
			}
			return len(open) == limit
		})
		release()
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
		l.Send(app.Branches, inFlight)
		l.Holds()
		process.Terminate(t)
	})
}
