package main

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// At any moment, a signal ends the program soon, with the status that shells use, and
// leaves nothing behind. The test finds processes in /proc, so it needs Linux.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		args   []string
		build  bool   // without a server on the machine
		line   string // the line of output at which the signal is sent, if any
		child  bool   // whether to wait until a server or a build is running
		signal syscall.Signal
	}{
		{name: "at once", signal: syscall.SIGINT},
		{name: "at the first line", line: "inngestkit:", signal: syscall.SIGINT},
		{name: "while the server is built", build: true, line: "building the Inngest server", signal: syscall.SIGINT},
		{name: "while go build runs", build: true, line: "building the Inngest server", child: true, signal: syscall.SIGTERM},
		{name: "at the introduction", line: "use the app", child: true, signal: syscall.SIGINT},
		{name: "in a retry", line: "runs send-welcome-mail: fails", child: true, signal: syscall.SIGINT},
		{name: "in the sleep", line: "reaches let-mail-arrive", child: true, signal: syscall.SIGTERM},
		{name: "at the check", line: "checked with", signal: syscall.SIGINT, args: []string{"-keep"}},
		{name: "kept running", line: "Ctrl-C stops", child: true, signal: syscall.SIGINT, args: []string{"-keep"}},
		{name: "terminal closed", line: "Ctrl-C stops", child: true, signal: syscall.SIGHUP, args: []string{"-keep"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, test.build, test.args...)
			if test.line != "" {
				p.await(t, test.line)
			}
			if test.child {
				p.awaitChild(t)
			}
			sent := time.Now()
			require.NoError(t, p.cmd.Process.Signal(test.signal))
			p.drain()
			require.Equal(t, 130, p.status(), p.log.String())
			require.Less(t, time.Since(sent), 10*time.Second)
			p.requireNothingLeft(t)
		})
	}
}

// If the reader of the output goes away, as in a pipe to head, nothing is left behind
// either.
func TestOutputClosed(t *testing.T) {
	t.Parallel()
	p := start(t, false)
	p.await(t, "runs draw-voucher")
	require.NoError(t, p.out.Close())
	require.Equal(t, 130, p.status())
	p.requireNothingLeft(t)
}

// A client that hangs up during its request, like a curl that is interrupted, ends nothing.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	p := start(t, false, "-keep")
	p.await(t, "Ctrl-C stops")
	address := regexp.MustCompile(`curl http://(\S+)/users `).FindStringSubmatch(p.log.String())
	require.NotNil(t, address, p.log.String())
	for range 3 {
		conn := requestUser(t, address[1])
		require.NoError(t, conn.SetLinger(0)) // the app's response then meets a reset connection
		require.NoError(t, conn.Close())
		p.await(t, "responds with ") // 202, or 502 if it noticed before it had sent the event
	}
	conn := requestUser(t, address[1])
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 202 Accepted\r\n", line)
	require.NoError(t, conn.Close())
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
	p.drain()
	require.Equal(t, 130, p.status())
	p.requireNothingLeft(t)
}

// requestUser sends the request to sign up a user, and returns the connection.
func requestUser(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	const body = `{"email":"bob@example.com"}`
	_, err = fmt.Fprintf(conn, "POST /users HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
	require.NoError(t, err)
	return conn.(*net.TCPConn)
}

// If the server ends by itself, the program ends with an error.
func TestServerDies(t *testing.T) {
	t.Parallel()
	p := start(t, false)
	p.await(t, "reaches let-mail-arrive")
	require.NoError(t, syscall.Kill(p.awaitChild(t), syscall.SIGKILL))
	p.drain()
	require.Equal(t, 1, p.status())
	require.Contains(t, p.log.String(), "failed: the Inngest server ended by itself")
	p.requireNothingLeft(t)
}
