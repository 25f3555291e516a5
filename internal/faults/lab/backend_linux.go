package lab

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// attach makes the kernel kill the command when the thread that starts it ends, for example
// because the test times out.
func attach(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// unprivileged returns a function that makes commands run as another user, who owns dir, if
// this process is root's. PostgreSQL does not run as root.
func unprivileged(dir string) (apply func(*exec.Cmd), err error) {
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {}, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	apply = func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	return apply, os.Chown(dir, int(uid), int(gid))
}
