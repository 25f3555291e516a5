package hostile

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// Clients that send a byte now and then lose their connections with the timeouts that
// docs/adapters.md recommends, only shorter, and do not hold up the server's calls.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	eachFramework(t, func(t *testing.T, s *site) {
		const each = 20
		var all sync.WaitGroup
		for _, request := range []string{
			"POST " + target + " HTTP/1.1\r\nHost: warehouse.test\r\nX: ",
			head(http.MethodPost, target, "Content-Length: 1000000"),
			head(http.MethodPost, target, "Content-Length: 1000000", forged()) + `{"a":"`,
			head(http.MethodPost, target, "Transfer-Encoding: chunked", forged()) + fmt.Sprintf("%x\r\n", 1<<20),
		} {
			for range each {
				conn := s.dial(t)
				all.Go(func() { drip(t, conn, request) })
			}
		}
		s.works(t)
		all.Wait()
		require.EqualValues(t, 1, s.calls.Load())
		s.works(t)
	})
}

// drip sends the beginning of a request, then a byte ten times a second, until the server
// closes the connection.
func drip(t *testing.T, conn net.Conn, request string) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	closed := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, conn)
		closed <- err
	}()
	_, _ = io.WriteString(conn, request)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-closed:
			if timedOut, ok := errors.AsType[net.Error](err); ok && timedOut.Timeout() {
				t.Errorf("the server keeps a connection for longer than %s: %.80q", testsite.Timeout, request)
			}
			return
		case <-tick.C:
			_, _ = io.WriteString(conn, "a")
		}
	}
}
