package devserver

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into its own process group, so Ctrl-C in a terminal reaches
// only us and we stop the command in order. It also makes the kernel kill the command when
// the thread that starts it ends, for example because this process dies in any way. See
// [startProcess] for the thread.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
