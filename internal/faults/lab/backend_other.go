//go:build !linux

package lab

import "os/exec"

// attach does nothing: only Linux has parent death signals.
func attach(*exec.Cmd) {}

// unprivileged returns a function that does nothing. The tests do not run as root there.
func unprivileged(string) (apply func(*exec.Cmd), err error) { return func(*exec.Cmd) {}, nil }
