//go:build unix && !linux

package devserver

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into its own process group, so Ctrl-C in a terminal reaches
// only us and we stop the command in order.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
