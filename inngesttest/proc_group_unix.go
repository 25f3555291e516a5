//go:build unix

package inngesttest

import (
	"errors"
	"os"
	"syscall"
)

// terminate asks the process, and whatever it has started itself, to end.
func terminate(p *os.Process) error { return signalGroup(p, syscall.SIGTERM) }

// kill ends the process, and whatever it has started itself, at once.
func kill(p *os.Process) error { return signalGroup(p, syscall.SIGKILL) }

// signalGroup signals the group that isolate made, whose id is the process's
// own. It must not be called once the process has been waited for, as its id
// may then be somebody else's.
func signalGroup(p *os.Process, sig syscall.Signal) error {
	err := syscall.Kill(-p.Pid, sig)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}
