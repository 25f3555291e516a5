//go:build !unix

package devserver

import (
	"os"
	"os/exec"
)

// isolate does nothing, because only Unix has process groups and parent death signals.
func isolate(*exec.Cmd) {}

// terminate ends the process immediately, because a portable request does not exist.
func terminate(p *os.Process) error { return p.Kill() }

// kill ends the process immediately.
func kill(p *os.Process) error { return p.Kill() }
