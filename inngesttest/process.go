package inngesttest

import (
	"os/exec"
	"runtime"
	"time"
)

// outputGrace is how long an ended command may keep its output open through
// processes it left behind, before we stop reading.
const outputGrace = 2 * time.Second

// process is a started command.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the command has ended and err is set
	err  error         // what cmd.Wait returned
}

// startProcess starts a command that cannot outlive this process, where the
// system offers that (see isolate). Linux sends the death signal when the
// thread that forked ends, not the process, and Go ends idle threads as it sees
// fit; therefore the command is started, and waited for, on one locked thread.
// after runs when the command has ended, before done is closed.
func startProcess(cmd *exec.Cmd, after func()) (*process, error) {
	isolate(cmd)
	cmd.WaitDelay = outputGrace
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		after()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}
