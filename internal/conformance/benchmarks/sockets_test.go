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

// BenchmarkSockets sends signed calls over loopback connections that are kept, to
// the SDK mounted by hand and to ours on the same framework in turn, so that what
// else the machine does falls on both. The figures are medians.
func BenchmarkSockets(b *testing.B) {
	for _, size := range eventSizes {
		for _, framework := range frameworks {
			b.Run(fmt.Sprintf("event=%dKiB/%s", size>>10, framework), func(b *testing.B) {
				inTurn(b, size, []string{bySDK + "/" + framework, byUs + "/" + framework})
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
			inTurn(b, size, names)
		})
	}
}

// inTurn reports the median time of a call to each server, and its ratio to the
// first.
func inTurn(b *testing.B, size int, names []string) {
	b.Helper()
	request := socketRequest(b, callBody(b, itemsOf(size), 0))
	connections := make([]*connection, len(names))
	for i, name := range names {
		connections[i] = connect(b, startServer(b, name))
		for range 5 { // pools, and the table of functions
			connections[i].call(b, request)
		}
	}
	took := make([][]time.Duration, len(names))
	for first := 0; b.Loop(); first++ {
		for n := range connections { // each is first in its turn
			i := (first + n) % len(connections)
			start := time.Now()
			connections[i].call(b, request)
			took[i] = append(took[i], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op")
	base := median(took[0])
	for i, name := range names {
		m := median(took[i])
		b.ReportMetric(float64(m)/1e3, "µs/"+name)
		if i > 0 {
			b.ReportMetric(float64(m)/float64(base), name+":"+names[0])
		}
	}
}

// socketRequest is a signed call as it goes over the wire.
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

// connection is a client that does next to nothing, so that the servers show.
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
