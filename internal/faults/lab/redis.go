package lab

import (
	"bufio"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// startRedis starts a Redis server on the loopback interface, with its data in a temporary
// directory. It synchronizes each write with the disk before it responds.
func startRedis(tb testing.TB) *Database {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	needs(tb, "redis-server", err)
	dir, port := tb.TempDir(), freePort(tb)
	address := net.JoinHostPort("127.0.0.1", port)
	d := &Database{
		URI: "redis://" + address, name: "Redis", log: &testsite.Log{},
		command: func() *exec.Cmd {
			//nolint:noctx // Kill ends it
			cmd := exec.Command(program, "--bind", "127.0.0.1", "--port", port, "--dir", dir,
				"--appendonly", "yes", "--appendfsync", "always", "--save", "")
			cmd.Dir = dir
			attach(cmd)
			return cmd
		},
		ready: func() bool { return pong(address) },
	}
	d.start(tb)
	tb.Cleanup(d.Kill)
	return d
}

// pong reports whether a Redis server responds. It responds with an error while it reads its
// data.
func pong(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second) //nolint:noctx // it has a time limit
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // of an open connection
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.TrimSpace(answer) == "+PONG"
}
