package connect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/inngestkit/inngestkit/inngesttest"
)

// inside marks the process that runs in a network namespace of its own.
const inside = "INNGESTKIT_TEST_NETWORK"

// isolated runs the tests once more in a network of their own, in which nobody
// else has a server, and returns with what they ended. It reports false if this
// is that process, if the server needs no such thing, or if the system does not
// allow it.
func isolated() (code int, done bool) {
	if os.Getenv(inside) != "" {
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, "the network of the tests has no loopback:", err)
			return 1, true
		}
		return 0, false
	}
	// There is no way to the module proxy from inside.
	binary, err := inngesttest.FindServer(context.Background(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	if binary.Version != inngesttest.OldestVersion {
		return 0, false
	}
	// The thread must live as long as the process that dies with it.
	runtime.LockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=own", inngesttest.PathEnv+"="+binary.Path)
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

// loopbackUp does what `ip link set lo up` does.
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
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(socket), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return errno
	}
	return nil
}
