package devserver

import (
	"os/exec"
	"runtime"
	"time"
)

// outputGrace limits how long we read output after a command has ended, because processes
// it left behind may keep the output open.
const outputGrace = 2 * time.Second

// A process is a started command.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the command has ended and err is set
	err  error         // the result of cmd.Wait
}

// startProcess starts a command that cannot outlive this process, if the system supports
// that (see isolate). Linux sends the death signal when the forking thread ends, not the
// process, and Go may end idle threads. So one locked thread starts the command and waits
// for it. after runs when the command has ended, before done is closed.
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
