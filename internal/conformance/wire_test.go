package conformance

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// wire is a listener that keeps what a server writes, whether or not somebody still
// reads it, and can cut all its connections.
type wire struct {
	net.Listener

	closed  chan struct{} // by the server
	close   sync.Once
	mu      sync.Mutex
	conns   []net.Conn
	written strings.Builder
}

func newWire(t *testing.T, addr string) *wire {
	t.Helper()
	return &wire{Listener: testsite.Listen(t, addr), closed: make(chan struct{})}
}

// Accept implements net.Listener. The server does not learn that it has been cut.
func (w *wire) Accept() (net.Conn, error) {
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
func (w *wire) Close() error {
	w.close.Do(func() { close(w.closed) })
	_ = w.Listener.Close() // it may have been cut
	return nil
}

// cut closes what is closed when a process is killed.
func (w *wire) cut() {
	_ = w.Listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
}

// statuses are those of the answers written, in order.
func (w *wire) statuses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for _, match := range statusLine.FindAllStringSubmatch(w.written.String(), -1) {
		found = append(found, match[1])
	}
	return found
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 (\d{3}) `)

type wireConn struct {
	net.Conn

	wire *wire
}

// Write implements net.Conn.
func (c wireConn) Write(b []byte) (int, error) {
	c.wire.mu.Lock()
	c.wire.written.Write(b)
	c.wire.mu.Unlock()
	return c.Conn.Write(b)
}

// newClient is an HTTP client with connections of its own, as the server has to an
// app.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// request sends one request and reads the answer.
func request(ctx context.Context, client *http.Client, method, url, body string, header http.Header) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	maps.Copy(req.Header, header)
	req.Host = header.Get("Host")
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text)), err
}

// alive requires that the app at url answers.
func alive(t *testing.T, client *http.Client, url string) {
	t.Helper()
	status, _, err := request(testsite.Within(t), client, http.MethodGet, url, "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}
