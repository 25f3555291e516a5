//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package devserver

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock on f, or returns false if another open file, in this
// process or any other, holds it. The kernel releases it when f is closed, also if the
// process is killed.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, syscall.EINTR):
			continue
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}
