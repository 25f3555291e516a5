package benchmarks

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
)

// BenchmarkGrowth measures how the time and the memory of a call grow with one quantity at
// a time, for ours and for the SDK's in turn. Times are medians. Memory is all that a call
// allocates. The program plot draws the results.
func BenchmarkGrowth(b *testing.B) {
	small := itemsOf(1 << 10)
	for _, n := range []int{1, 10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("functions=%d", n), func(b *testing.B) { grow(b, n, 0, callBody(b, small, 0)) })
	}
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprintf("steps=%d", n), func(b *testing.B) { grow(b, 1, n, callBody(b, small, n)) })
	}
	for _, n := range []int{1 << 10, 16 << 10, 256 << 10, 1 << 20, 3 << 20} {
		b.Run(fmt.Sprintf("event=%d", n), func(b *testing.B) { grow(b, 1, 0, callBody(b, itemsOf(n), 0)) })
	}
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) { grow(b, 1, 0, batchBody(b, n, small, 0)) })
	}
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprintf("inflight=%d", n), func(b *testing.B) { inFlight(b, n, callBody(b, small, 0)) })
	}
}

func grow(b *testing.B, functions, steps int, body []byte) {
	b.Helper()
	ours, sdk := onGin(b, functions, stepsThenDone(steps)), bareSDK(b, functions, sdkStepsThenDone(steps))
	call := caller(b, body)
	inTurn(b, []string{"ours", "sdk"}, []func(){func() { call(ours) }, func() { call(sdk) }})
	b.ReportMetric(allocated(func() { call(ours) }), "B/ours")
	b.ReportMetric(allocated(func() { call(sdk) }), "B/sdk")
}

// inFlight measures the time for each of n calls that are made at the same time.
func inFlight(b *testing.B, n int, body []byte) {
	b.Helper()
	call := caller(b, body)
	together := func(handler http.Handler) func() {
		return func() {
			var calls sync.WaitGroup
			for range n {
				calls.Go(func() { call(handler) })
			}
			calls.Wait()
		}
	}
	ours, sdk := together(onGin(b, 1, done)), together(bareSDK(b, 1, done))
	inTurn(b, []string{"ours", "sdk"}, []func(){ours, sdk})
	b.ReportMetric(allocated(ours), "B/ours")
	b.ReportMetric(allocated(sdk), "B/sdk")
}

// allocated returns how many bytes f allocates.
func allocated(f func()) float64 {
	var before, after runtime.MemStats
	f() // what is allocated once
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// BenchmarkRegister measures the start of an app with 1,000 functions, without a server.
func BenchmarkRegister(b *testing.B) {
	const functions = 1_000
	ours := func() { onGin(b, functions, done) }
	sdk := func() { bareSDK(b, functions, done) }
	inTurn(b, []string{"ours", "sdk"}, []func(){ours, sdk})
	b.ReportMetric(allocated(ours), "B/ours")
	b.ReportMetric(allocated(sdk), "B/sdk")
}

// What a call allocates for a body of 2 MiB, which has an event of 1 MiB twice, is about the
// body and what encoding/json allocates to decode the event: half of the body for one text, more
// than twice the body for many small items.
func TestMemoryOfACall(t *testing.T) {
	for name, data := range map[string]benchData{"text": textOf(1 << 20), "items": itemsOf(1 << 20)} {
		body := callBody(t, data, 0)
		handler, call := onGin(t, 1, done), caller(t, body)
		whole := allocated(func() { call(handler) }) / float64(len(body))
		raw := eventIn(body)
		decoding := allocated(func() {
			var event inngestkit.Event[benchData]
			require.NoError(t, json.Unmarshal(raw, &event))
		}) / float64(len(body))
		t.Logf("%s: a call allocates %.2f times its body of %d bytes, decoding %.2f of it", name, whole, len(body), decoding)
		require.Less(t, whole-decoding, 1.5, name)
		if name == "text" {
			require.Less(t, whole, 3.0)
		}
	}
}

var memoryCalls = flag.Int("memory.calls", 1_000, "how many calls TestMemoryOfCalls makes")

// Calls leave nothing behind.
func TestMemoryOfCalls(t *testing.T) {
	handler, call := onGin(t, 1, stepsThenDone(10)), caller(t, callBody(t, itemsOf(1<<10), 10))
	calls := func(n int) {
		for range n {
			call(handler)
		}
	}
	calls(100)
	before, begun := heap(), time.Now()
	calls(*memoryCalls)
	took, grown := time.Since(begun), heap()-before
	t.Logf("%d calls in %s: the heap was %d KiB, and grew by %d KiB", *memoryCalls, took.Round(time.Millisecond), before>>10, grown>>10)
	require.Less(t, grown, int64(256<<10))
}

// heap returns the size of what is left after garbage collections, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // a sync.Pool keeps its values over the first one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
