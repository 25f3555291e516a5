package conformance

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	inngestkit "github.com/inngestkit/inngestkit/core"
	"github.com/inngestkit/inngestkit/internal/conformance/testsite"
)

// callBodyFor returns a call of a function with an event of a user, in a run without any
// memoized steps.
func callBodyFor(runID string, id string, number int) string {
	event := fmt.Sprintf(`{"name":"user/signed-up","data":{"id":%q,"number":%d}}`, id, number)
	return fmt.Sprintf(`{"ctx":{"run_id":%q},"event":%s,"events":[%s],"steps":{}}`, runID, event, event)
}

// exchange is a request and the expected response.
type exchange struct {
	method, url, body string
	header            http.Header
	want              string // not compared if empty
}

// load sends requests numbered from first to last-1 from several workers, and requires that
// each gets the expected response.
func load(t *testing.T, client *http.Client, first, last int, exchangeOf func(number int) exchange) {
	t.Helper()
	const workers = 8
	numbers := make(chan int)
	failed := make(chan error, workers)
	ctx, cancel := context.WithCancel(testsite.Within(t))
	defer cancel()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for number := range numbers {
				e := exchangeOf(number)
				status, answer, err := testsite.Request(ctx, client, e.method, e.url, e.body, e.header)
				if err == nil && (status != http.StatusOK || (e.want != "" && answer != e.want)) {
					err = fmt.Errorf("the response is %d %s", status, answer)
				}
				if err != nil {
					failed <- fmt.Errorf("call %d: %w", number, err)
					cancel()
					return
				}
			}
		})
	}
	for number := first; number < last && ctx.Err() == nil; number++ {
		select {
		case numbers <- number:
		case <-ctx.Done():
		}
	}
	close(numbers)
	wg.Wait()
	close(failed)
	require.NoError(t, <-failed)
}

// Runs that have ended leave nothing behind. The test is not parallel, because it counts all
// goroutines and the whole heap.
func TestFiberRunsLeaveNothingBehind(t *testing.T) {
	for _, version := range fiberVersions {
		t.Run(version.name, func(t *testing.T) { leavesNothingBehind(t, version) })
	}
}

func leavesNothingBehind(t *testing.T, version fiberVersion) {
	t.Helper()
	const (
		warmUp = 500
		runs   = 10_000
	)
	var (
		c        counter
		requests atomic.Int64
		contexts = version.userContexts(t)
	)
	eachInTurn := func(c fiberCtx) error { return contexts[int(requests.Add(1))%len(contexts)].set(c) }
	_, f := version.withApp(t, eachInTurn, inngestkit.OnEvent("fn", signedUp, func(ctx context.Context, _ input) (string, error) {
		c.Add("run")
		return "done", ctx.Err()
	}))
	listener := testsite.Listen(t, "")
	url := "http://" + listener.Addr().String() + "/acme/api/inngest?fnId=app-fn"
	shutdown := testsite.Serve(t, f, listener)
	client := testsite.NewClient(t)
	call := func(number int) exchange {
		return exchange{http.MethodPost, url, callBodyFor(fmt.Sprint("run-", number), "u1", number), nil, `"done"`}
	}
	load(t, client, 0, warmUp, call)
	goroutines, objects := runtime.NumGoroutine(), heapObjects()
	load(t, client, warmUp, warmUp+runs, call)
	require.Equal(t, warmUp+runs, c.Of("run"))
	// A few may come and go with connections; a leak would leave one for each run of a kind.
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return runtime.NumGoroutine() < goroutines+runs/100 })
	testsite.Eventually(t, 10*time.Millisecond, func() bool { return heapObjects() < objects+runs/10 })
	t.Logf("%d runs: %d goroutines before and %d after, %d and %d objects",
		runs, goroutines, runtime.NumGoroutine(), objects, heapObjects())
	client.CloseIdleConnections()
	shutdown()
}

// heapObjects returns the number of live objects.
func heapObjects() int {
	runtime.GC()
	runtime.GC() // values in a sync.Pool survive the first
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapObjects)
}
