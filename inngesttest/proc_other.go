//go:build !unix

package inngesttest

import (
	"os"
	"os/exec"
)

// isolate does nothing: process groups and parent death signals are a matter of
// Unix.
func isolate(*exec.Cmd) {}

// terminate ends the process; there is no portable way to ask for it.
func terminate(p *os.Process) error { return p.Kill() }

// kill ends the process at once.
func kill(p *os.Process) error { return p.Kill() }
