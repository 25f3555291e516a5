//go:build unix && !linux

package inngesttest

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into a process group of its own, so that Ctrl-C in a
// terminal reaches only us and we stop it in order.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
