package benchmarks

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/inngest/inngestgo"
	"github.com/stretchr/testify/require"
)

var eventSizes = []int{1 << 10, 64 << 10, 1 << 20}

// BenchmarkSockets sends signed calls over persistent loopback connections, in turn to the SDK
// mounted by hand and to ours on the same framework, so that other load on the machine affects
// both. The figures are medians.
func BenchmarkSockets(b *testing.B) {
	for _, size := range eventSizes {
		for _, framework := range frameworks {
			b.Run(fmt.Sprintf("event=%dKiB/%s", size>>10, framework), func(b *testing.B) {
				callServers(b, size, []string{bySDK + "/" + framework, byUs + "/" + framework})
			})
		}
	}
}

// BenchmarkAdapters compares our adapters with each other; the ratio is to net/http.
func BenchmarkAdapters(b *testing.B) {
	for _, size := range eventSizes {
		b.Run(fmt.Sprintf("event=%dKiB", size>>10), func(b *testing.B) {
			names := make([]string, len(frameworks))
			for i, framework := range frameworks {
				names[i] = byUs + "/" + framework
			}
			callServers(b, size, names)
		})
	}
}

// callServers starts servers and calls them in turn.
func callServers(b *testing.B, size int, names []string) {
	b.Helper()
	request := socketRequest(b, callBody(b, itemsOf(size), 0))
	calls := make([]func(), len(names))
	for i, name := range names {
		to := connect(b, startServer(b, name))
		calls[i] = func() { to.call(b, request) }
		for range 5 { // fills the pools and the table of functions
			calls[i]()
		}
	}
	inTurn(b, names, calls)
}

// socketRequest returns a signed call as sent over the wire.
func socketRequest(b *testing.B, body []byte) []byte {
	b.Helper()
	signature, err := inngestgo.Sign(b.Context(), time.Now(), []byte(benchKey), body)
	require.NoError(b, err)
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost,
		"http://app.test"+path+"?fnId=bench-fn-0&stepId=step", bytes.NewReader(body))
	require.NoError(b, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Inngest-Signature", signature)
	var wire bytes.Buffer
	require.NoError(b, r.Write(&wire))
	return wire.Bytes()
}

// A connection is a client that does next to nothing, so that the servers dominate.
type connection struct {
	net.Conn

	r *bufio.Reader
}

func connect(b *testing.B, address string) *connection {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, conn.Close()) })
	return &connection{conn, bufio.NewReader(conn)}
}

func (c *connection) call(b *testing.B, request []byte) {
	b.Helper()
	if _, err := c.Write(request); err != nil {
		b.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != `"done"` {
		b.Fatal(resp.Status, string(body), err)
	}
	_ = resp.Body.Close()
}
