//go:build !unix

package onfasthttp

import (
	"context"
	"net"
)

// onHangUp does nothing, because only Unix systems let a program peek at a connection
// through [syscall.RawConn] without reading from it.
func onHangUp(context.Context, net.Conn, func()) (stop func()) { return func() {} }
