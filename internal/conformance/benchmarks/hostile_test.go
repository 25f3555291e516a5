package benchmarks

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// These benchmarks show what strangers can do to a server in cloud mode, without a signature and
// with one that only looks valid. Each server is its own process. The figures are its processor
// time per request, and the maximum growth of its memory.

var hostileServers = []string{"nethttp", "gin", "echo", "echov5", "fiber", "fiber-buffering", "fiberv3"}

// signatures are the headers that strangers can make.
var signatures = []struct {
	name   string
	header func() string
}{
	{"unsigned", func() string { return "" }},
	{"forged", func() string {
		return fmt.Sprintf("X-Inngest-Signature: t=%d&s=%s\r\n", time.Now().Unix(), strings.Repeat("0", 64))
	}},
}

// BenchmarkHostileContent sends bodies that are expensive to read.
func BenchmarkHostileContent(b *testing.B) {
	const most = inngestkit.DefaultMaxBodyBytes
	for _, content := range []struct {
		name string
		body []byte
	}{
		{"denormals-1MiB", filled(1<<20, "[", "5e-324,", "1]")},
		{"denormals-8MiB", filled(most, "[", "5e-324,", "1]")},
		{"nesting-8MiB", filled(most, "", "[", "")},
		{"objects-8MiB", filled(most, "", `{"a":`, "")},
		{"escapes-8MiB", filled(most, `["`, `\u0001`, `"]`)},
	} {
		hostile(b, "content="+content.name, "ms/request", func(b *testing.B, p *process, header string) float64 {
			const requests = 3
			before := p.used(b)
			for range requests {
				tryPost(p.address, header, len(content.body), content.body)
			}
			return (p.used(b).cpu - before.cpu).Seconds() * 1e3 / requests
		})
	}
}

// BenchmarkHostileBodies sends 100 bodies of 4 MiB at the same time.
func BenchmarkHostileBodies(b *testing.B) {
	body := filled(4<<20, "[", "5e-324,", "1]")
	hostile(b, "bodies=100x4MiB", "MiB", func(b *testing.B, p *process, header string) float64 {
		return growth(b, p, func() {
			atOnce(100, func() { tryPost(p.address, header, len(body), body) })
		})
	})
}

// BenchmarkHostileAnnouncements opens 1,000 connections that announce 8 MiB, send 9 KiB, which is
// more than Fiber reads ahead, and wait.
func BenchmarkHostileAnnouncements(b *testing.B) {
	some := filled(9<<10, "", "[", "")
	hostile(b, "connections=1000x8MiB", "MiB", func(b *testing.B, p *process, header string) float64 {
		return growth(b, p, func() {
			var open sync.WaitGroup
			open.Add(1000)
			atOnce(1000, func() {
				conn, err := post(p.address, header, inngestkit.DefaultMaxBodyBytes, some)
				open.Done()
				if err == nil {
					open.Wait()
					_ = conn.SetReadDeadline(time.Now().Add(time.Second))
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}
			})
		})
	})
}

// hostile measures each server with each kind of signature.
func hostile(b *testing.B, name, unit string, measure func(b *testing.B, p *process, header string) float64) {
	b.Helper()
	for _, signature := range signatures {
		for _, framework := range hostileServers {
			b.Run(name+"/"+signature.name+"/"+framework, func(b *testing.B) {
				var most float64
				for b.Loop() {
					p := startProcess(b, byUs+"/"+framework)
					tryPost(p.address, "", 2, []byte("{}")) // fills the pools
					most = max(most, measure(b, p, signature.header()))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(most, unit)
			})
		}
	}
}

// growth returns the maximum growth in MiB of a process's memory while f runs.
func growth(b *testing.B, p *process, f func()) float64 {
	b.Helper()
	before := p.used(b)
	f()
	return float64(p.used(b).peak-before.peak) / 1024
}

func atOnce(n int, f func()) {
	var all sync.WaitGroup
	for range n {
		all.Go(f)
	}
	all.Wait()
}

// filled returns a text of at most size bytes.
func filled(size int, head, each, tail string) []byte {
	n := (size - len(head) - len(tail)) / len(each)
	return bytes.Join([][]byte{[]byte(head), bytes.Repeat([]byte(each), n), []byte(tail)}, nil)
}

// post sends a call that announces a body of length bytes.
func post(address, header string, length int, body []byte) (net.Conn, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "POST %s?fnId=bench-fn-0&stepId=step HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n%s\r\n", path, length, header)
	_, _ = conn.Write(body) // a server that rejects the header hangs up
	return conn, nil
}

// tryPost is post that waits for a response. The response may be lost: a server that leaves much
// unread resets the connection.
func tryPost(address, header string, length int, body []byte) {
	conn, err := post(address, header, length, body)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
