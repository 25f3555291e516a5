package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/inngestkit/inngestkit/core/step"
)

// keepAlive: one connection serves many calls, after errors, too.
func keepAlive(t *testing.T, a Adapter) {
	i := start(t, a, setup{function: failing})
	conn := i.dial(t)
	for range 30 {
		unsigned := i.newCall(t, payload{})
		unsigned.Header.Del(headerSignature)
		for _, c := range []struct {
			request *http.Request
			status  int
		}{
			{i.newCall(t, payload{ID: "a"}), http.StatusOK},
			{i.newCall(t, payload{ID: fails}), http.StatusInternalServerError},
			{i.request(t, http.MethodPost, i.path+query, []byte("no JSON")), http.StatusBadRequest},
			{i.request(t, http.MethodPost, i.path+"?fnId=app-unknown", envelope(payload{})), http.StatusGone},
			{i.request(t, http.MethodDelete, i.path, []byte("whatever")), http.StatusMethodNotAllowed},
			{i.request(t, http.MethodGet, i.path, nil), http.StatusOK},
			{unsigned, http.StatusUnauthorized},
		} {
			must(t, "write", c.request.Write(conn))
			equal(t, "the status of "+c.request.Method, conn.response(t, c.request.Method).status, c.status)
		}
	}
	for _, size := range []int{1 << 10, 100 << 10, 1 << 20} {
		i.unreadBody(t, size)
	}
}

// unreadBody fails the test if the server treats the rest of a body that the app has not
// read as the next request. The server has to skip the rest or close the connection.
func (i *instance) unreadBody(tb testing.TB, size int) {
	tb.Helper()
	conn := i.dial(tb)
	go func() { // the server may close the connection before it has read all of it
		_, _ = conn.Write([]byte(i.head(http.MethodDelete, i.path, "Content-Length: "+strconv.Itoa(size)) + text(size) +
			i.head(http.MethodGet, i.path)))
	}()
	conn.response(tb, http.MethodDelete).refused(tb, http.StatusMethodNotAllowed)
	if got, err := conn.tryResponse(http.MethodGet); err == nil {
		equal(tb, "the status of what follows a body that was not read", got.status, http.StatusOK)
	}
}

// pipelined: requests that are sent without waiting for responses are answered in order.
func pipelined(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	conn := i.dial(t)
	var all strings.Builder
	for n := range 10 {
		all.WriteString(i.rawCall(payload{ID: strconv.Itoa(n), Text: text(100 * n)}))
	}
	conn.send(t, all.String())
	for n := range 10 {
		conn.response(t, http.MethodPost).returned(t, strconv.Itoa(n))
	}
}

// concurrentCalls: no call sees data of another one.
func concurrentCalls(t *testing.T, a Adapter) {
	const clients, calls = 64, 20
	i := start(t, a, setup{function: func(ctx context.Context, in input) (any, error) {
		return append(stored(ctx), in.Event.Data.ID, hashOf(in.Event.Data.Text)), nil
	}})
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := range calls {
				id := fmt.Sprintf("%02d-%02d", client, n)
				data := payload{ID: id, Text: text(10*client + n)}
				r := i.request(t, http.MethodPost, i.path+query+"&page=page-"+id, envelope(data))
				r.Header.Set(TenantHeader, "tenant-"+id)
				got, err := i.try(r)
				want := fmt.Sprintf(`["tenant-%[1]s","tenant-%[1]s","page-%[1]s",null,null,null,"%[1]s","%[2]s"]`,
					id, hashOf(data.Text))
				if err != nil || got.status != http.StatusOK || got.body != want {
					t.Errorf("call %s: the response is %s (%v), want %s", id, got, err, want)
					return
				}
			}
		})
	}
	all.Wait()
}

// run runs a step that returns the value.
func run(ctx context.Context, value any) (any, error) {
	return step.Run(ctx, "step", func(context.Context) (any, error) { return value, nil })
}

// hangUps: a client that disconnects during its call does no harm. If the framework
// notices, the call ends early and runs no further step.
func hangUps(t *testing.T, a Adapter) {
	var steps atomic.Int64
	started, release, ended := make(chan context.Context, 1), make(chan struct{}), make(chan error, 1)
	failed := make(chan struct{})
	i := start(t, a, setup{function: func(ctx context.Context, in input) (_ any, err error) {
		if in.Event.Data.ID != waits {
			return in.Event.Data.ID, nil
		}
		defer func() { ended <- err }() // deferred, because the step may unwind the function
		started <- ctx
		select {
		case <-release:
		case <-failed:
		}
		return step.Run(ctx, "next", func(context.Context) (any, error) {
			return steps.Add(1), nil
		})
	}})
	t.Cleanup(func() { close(failed) }) // releases the call if the test has failed
	for n, hangUp := range []func(*rawConn){
		func(conn *rawConn) { conn.reset(t) },
		func(conn *rawConn) { must(t, "Close", conn.Close()) },
	} {
		conn := i.dial(t)
		conn.send(t, i.rawCall(payload{ID: waits}))
		ctx := await(t, "the call has not started", started)
		hangUp(conn)
		if a.CancelsOnHangUp {
			await(t, "the context does not end with its client", ctx.Done())
		}
		i.call(t, payload{ID: "other"}).returned(t, "other")
		release <- struct{}{}
		_ = await(t, "the call does not end", ended)
		if !a.CancelsOnHangUp {
			equal(t, "steps that have run", steps.Load(), int64(n+1))
		}
		i.call(t, payload{ID: "other"}).returned(t, "other")
	}
	if a.CancelsOnHangUp {
		equal(t, "steps that have run after their client was gone", steps.Load(), 0)
	}
}

// spareGoroutines is how many goroutines a framework may keep: idle workers, and
// connections whose end the server has not noticed yet.
const spareGoroutines = 10

// goroutines: calls leave none behind. The case counts all goroutines of the process, so
// no other test may run at the same time.
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
			conn.response(t, http.MethodPost).returned(t, "a")
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
