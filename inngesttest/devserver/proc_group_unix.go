//go:build unix

package devserver

import (
	"errors"
	"os"
	"syscall"
)

// terminate requests that the process and its children end.
func terminate(p *os.Process) error { return signalGroup(p, syscall.SIGTERM) }

// kill ends the process and its children immediately.
func kill(p *os.Process) error { return signalGroup(p, syscall.SIGKILL) }

// signalGroup signals the group created by isolate, which has the ID of the process. Do
// not call it after the process has been waited for, because the ID may then belong to
// another process.
func signalGroup(p *os.Process, sig syscall.Signal) error {
	err := syscall.Kill(-p.Pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
