//go:build unix

package onfasthttp

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// hangUpInterval is the time between two looks at the connection of a call. A look costs
// less than a microsecond, and most calls end before the first one.
const hangUpInterval = 100 * time.Millisecond

// onHangUp calls cancel when the client has closed the connection, unless ctx has ended.
// The function it returns saves a call that ends soon the first look.
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
	look = func() {
		switch {
		case ctx.Err() != nil:
		case hasEnded(raw):
			cancel()
		default:
			time.AfterFunc(hangUpInterval, look)
		}
	}
	first := time.AfterFunc(hangUpInterval, look)
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

// hasEnded reports whether the client has closed the connection, or reset it. It neither
// blocks nor waits for others who read.
func hasEnded(raw syscall.RawConn) bool {
	var n int
	var err error
	closed := raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
	})
	switch {
	case closed != nil: // by this side
		return false
	case err != nil:
		return !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
	default:
		return n == 0
	}
}
