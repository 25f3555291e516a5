package devserver

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// The standard library has no LockFileEx outside its internal packages.
var procLockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

const (
	lockfileFailImmediately = 0x1
	lockfileExclusiveLock   = 0x2
	errLockViolation        = syscall.Errno(33) // ERROR_LOCK_VIOLATION
)

// tryLock takes the exclusive lock on f, or returns false if another handle holds it. The
// system releases it when f is closed, also if the process is killed.
func tryLock(f *os.File) (bool, error) {
	var overlapped syscall.Overlapped
	//nolint:gosec // G103: a system call takes its structure in no other way; the conversion is in the call, as unsafe asks
	ok, _, err := procLockFileEx.Call(f.Fd(), lockfileFailImmediately|lockfileExclusiveLock, 0,
		1, 0, uintptr(unsafe.Pointer(&overlapped)))
	switch {
	case ok != 0:
		return true, nil
	case errors.Is(err, errLockViolation), errors.Is(err, syscall.ERROR_IO_PENDING):
		return false, nil
	default:
		return false, os.NewSyscallError("LockFileEx", err)
	}
}
