package testsite

import (
	"net"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Wire is a listener that records what a server writes, even if nobody reads it, and
// can cut all its connections.
type Wire struct {
	net.Listener

	closed  chan struct{} // by the server
	close   sync.Once
	mu      sync.Mutex
	conns   []net.Conn
	written strings.Builder
}

// NewWire listens on addr, "" for a free port.
func NewWire(t *testing.T, addr string) *Wire {
	t.Helper()
	return &Wire{Listener: Listen(t, addr), closed: make(chan struct{})}
}

// Accept implements net.Listener. It hides from the server that the listener has been
// cut.
func (w *Wire) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		<-w.closed
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn)
	return wireConn{conn, w}, nil
}

// Close implements net.Listener.
func (w *Wire) Close() error {
	w.close.Do(func() { close(w.closed) })
	_ = w.Listener.Close() // it may have been cut
	return nil
}

// Cut closes the listener and all connections, like the end of a killed process.
func (w *Wire) Cut() {
	_ = w.Listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}

// Statuses returns the statuses of the responses written, in order.
func (w *Wire) Statuses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := statusLine.FindAllStringSubmatch(w.written.String(), -1)
	found := make([]string, len(lines))
	for i, line := range lines {
		found[i] = line[1]
	}
	return found
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 (\d{3}) `)

type wireConn struct {
	net.Conn

	wire *Wire
}

// SyscallConn implements syscall.Conn, like the connection inside.
func (c wireConn) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(syscall.Conn).SyscallConn() //nolint:forcetypeassert // a TCP connection
}

// Write implements net.Conn.
func (c wireConn) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	c.wire.written.Write(b)
	c.wire.mu.Unlock()
	return c.Conn.Write(b)
}
