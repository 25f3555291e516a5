package testsite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/inngestkit/inngestkit/inngesttest/devserver"
)

// inside marks the process that runs in its own network namespace.
const inside = "INNGESTKIT_TEST_NETWORK"

// Isolated runs the tests once more in their own network, in which no other server runs, and
// returns their exit code. It returns false if this is that process, if the server does not
// need it, or if the system does not allow it.
func Isolated() (code int, done bool) {
	if os.Getenv(inside) != "" {
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, "the network of the tests has no loopback:", err)
			return 1, true
		}
		return 0, false
	}
	// The module proxy cannot be reached from inside.
	binary, err := devserver.Find(context.Background(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	if binary.Version != devserver.OldestVersion {
		return 0, false
	}
	// The thread must live as long as the process, which dies with it.
	runtime.LockOSThread()
	//nolint:gosec // G204: it is this program again
	cmd := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=own", devserver.PathEnv+"="+binary.Path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	err = cmd.Run()
	exit, ran := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, true
	case ran:
		return max(exit.ExitCode(), 1), true
	default:
		fmt.Fprintln(os.Stderr, "no network namespace, so servers of others can get in the way:", err)
		return 0, false
	}
}

// loopbackUp does the same as `ip link set lo up`.
func loopbackUp() error {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(socket) }()
	request := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: syscall.IFF_UP}
	copy(request.name[:], "lo")
	//nolint:gosec // G103: ioctl takes a pointer
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}
