package adaptertest

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// spareGoroutines is how many goroutines a framework may keep for later: idle
// workers, connections that the server has not yet noticed to be closed.
const spareGoroutines = 10

// goroutines: calls leave none behind. It counts all goroutines of the process, so
// nothing else may run.
func goroutines(t *testing.T, a Adapter) {
	const calls = 300
	i := start(t, a, setup{function: func(ctx context.Context, in input) (any, error) {
		if in.Event.Data.Text != "" {
			return run(ctx, in.Event.Data.ID)
		}
		return in.Event.Data.ID, nil
	}})
	i.call(t, payload{ID: "a"}).returned(t, "a")
	before := runtime.NumGoroutine()
	for n := range calls {
		switch n % 3 {
		case 0:
			i.call(t, payload{ID: "a"}).returned(t, "a")
		case 1:
			i.call(t, payload{ID: "a", Text: "step"}).refused(t, http.StatusPartialContent)
		default:
			conn := i.dial(t)
			conn.send(t, i.rawCall(payload{ID: "a"}))
			conn.answer(t, http.MethodPost).returned(t, "a")
			must(t, "Close", conn.Close())
		}
	}
	i.client.CloseIdleConnections()
	ctx := within(t)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for runtime.NumGoroutine() > before+spareGoroutines {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("%d goroutines before %d calls, %d after them", before, calls, runtime.NumGoroutine())
		}
	}
}
