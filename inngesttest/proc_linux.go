package inngesttest

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into a process group of its own, so that Ctrl-C in a
// terminal reaches only us and we stop it in order, and has the kernel kill it
// when the thread that starts it ends, which is what happens when this process
// dies in any way. See [startProcess] for the thread.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
