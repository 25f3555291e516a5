package devserver

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The server ends with this process, in whatever way that ends.
func TestServerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	binary, err := Find(t.Context(), os.Stderr)
	require.NoError(t, err)
	helper, line := startHelper(t, "server", binary.Path)
	var pid int
	var state string
	_, err = fmt.Sscan(line, &pid, &state)
	require.NoError(t, err, line)
	t.Cleanup(func() {
		if p, err := os.FindProcess(pid); err == nil && t.Failed() {
			_ = p.Kill()
		}
		// A killed process cannot remove the directory.
		require.NoError(t, os.RemoveAll(state))
	})
	require.NoError(t, helper.Process.Kill())
	requireGone(t, pid)
}

// A process must not depend on a thread that Go may end, because Linux would kill it with
// that thread. Goroutines that return while locked end their threads. Here they do so
// continuously while processes are started.
func TestProcessesSurviveTheEndOfThreads(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var churn sync.WaitGroup
	for range 4 {
		churn.Go(func() {
			for {
				var one sync.WaitGroup
				one.Go(runtime.LockOSThread)
				one.Wait()
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	var processes []*process
	for range 50 {
		p, err := startProcess(exec.Command("sleep", "1000"), func() {})
		if err != nil {
			t.Error(err)
			break
		}
		processes = append(processes, p)
	}
	close(stop)
	churn.Wait()
	lost := 0
	for _, p := range processes {
		select {
		case <-p.done:
			lost++
		default:
			require.NoError(t, kill(p.cmd.Process))
			<-p.done
		}
	}
	require.Zero(t, lost, "processes killed with the thread that started them")
}
