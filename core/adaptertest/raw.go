package adaptertest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawConn is a TCP connection to the server, without an HTTP client.
type rawConn struct {
	net.Conn

	reader *bufio.Reader
}

// dial opens a connection to the server, until the end of the test.
func (i *instance) dial(tb testing.TB) *rawConn {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", i.addr)
	must(tb, "dial", err)
	tb.Cleanup(func() { _ = conn.Close() })
	must(tb, "SetDeadline", conn.SetDeadline(time.Now().Add(timeout)))
	return &rawConn{conn, bufio.NewReader(conn)}
}

// send writes to the connection.
func (c *rawConn) send(tb testing.TB, text string) {
	tb.Helper()
	_, err := c.Write([]byte(text))
	must(tb, "write", err)
}

// response reads the response to a request with the method.
func (c *rawConn) response(tb testing.TB, method string) response {
	tb.Helper()
	got, err := c.tryResponse(method)
	must(tb, "read the response", err)
	return got
}

// tryResponse is response for requests that may get no response.
func (c *rawConn) tryResponse(method string) (response, error) {
	resp, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		return response{}, err
	}
	return readResponse(resp)
}

// isTimeout reports whether a read has timed out.
func isTimeout(err error) bool {
	timedOut, ok := errors.AsType[net.Error](err)
	return ok && timedOut.Timeout()
}

// halfClose closes the connection for writing. It can still be read.
func (c *rawConn) halfClose(tb testing.TB) {
	tb.Helper()
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		tb.Fatalf("the connection is a %T", c.Conn)
	}
	must(tb, "CloseWrite", tcp.CloseWrite())
}

// reset ends the connection as the operating system of a killed client does.
func (c *rawConn) reset(tb testing.TB) {
	tb.Helper()
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		tb.Fatalf("the connection is a %T", c.Conn)
	}
	must(tb, "SetLinger", tcp.SetLinger(0))
	must(tb, "Close", tcp.Close())
}

// head returns the first line of a request and its headers, the given ones last.
func (i *instance) head(method, target string, headers ...string) string {
	lines := append([]string{fmt.Sprintf("%s %s HTTP/1.1", method, target), "Host: " + i.addr}, headers...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// callHead returns the head of a call with a body.
func (i *instance) callHead(body []byte, headers ...string) string {
	return i.head(http.MethodPost, i.path+query,
		append([]string{"Content-Type: application/json", headerSignature + ": " + sign(body)}, headers...)...)
}

// rawCall returns a call with its body.
func (i *instance) rawCall(data payload, headers ...string) string {
	body := envelope(data)
	return i.callHead(body, append(headers, fmt.Sprintf("Content-Length: %d", len(body)))...) + string(body)
}
