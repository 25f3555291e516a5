//go:build unix

package onfasthttp

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"time"
)

// The first look at the connection of a call comes after firstLook, when most calls have ended.
// Each further one comes after twice the time, up to longestLook: a look costs about 4 µs.
const (
	firstLook   = 100 * time.Millisecond
	longestLook = time.Second
)

// onHangUp calls cancel when the client has closed the connection, unless ctx has ended. The
// function it returns saves a call that ends soon the first look.
//
// net/http reads ahead on the connection during a request. fasthttp does not, and reading
// would take bytes away from it, so this only peeks. It cannot see the end of a connection
// with TLS, or with bytes in front of the end that fasthttp has not read yet.
func onHangUp(ctx context.Context, conn net.Conn, cancel func()) (stop func()) {
	raw := rawOf(conn)
	if raw == nil {
		return func() {}
	}
	var look func()
	interval := firstLook
	look = func() {
		switch {
		case ctx.Err() != nil:
		case hasEnded(raw):
			cancel()
		default:
			interval = min(2*interval, longestLook)
			time.AfterFunc(interval, look)
		}
	}
	first := time.AfterFunc(interval, look)
	return func() { first.Stop() }
}

// rawOf returns the socket of a connection, nil if it has none, as in tests.
func rawOf(conn net.Conn) syscall.RawConn {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// endOfConnection lists the errors of a connection that has ended.
var endOfConnection = []syscall.Errno{
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ENOTCONN, syscall.ETIMEDOUT,
	syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
}

// hasEnded reports whether the client has closed the connection, or reset it. It neither
// blocks nor waits for others who read.
func hasEnded(raw syscall.RawConn) bool {
	var n int
	var err error
	closed := raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch errno, failed := errors.AsType[syscall.Errno](err); {
	case closed != nil: // by this side
		return false
	case failed:
		return slices.Contains(endOfConnection, errno)
	default:
		return n == 0
	}
}
