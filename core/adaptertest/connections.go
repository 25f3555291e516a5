package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/inngestkit/inngestkit/core/step"
)

// keepAlive: one connection serves many calls, also after errors.
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
			equal(t, "the status of "+c.request.Method, conn.answer(t, c.request.Method).status, c.status)
		}
	}
	for _, size := range []int{1 << 10, 100 << 10, 1 << 20} {
		i.unreadBody(t, size)
	}
}

// unreadBody makes sure that the rest of a body that the app does not read is not
// taken for the next request: that is answered, or the connection is closed.
func (i *instance) unreadBody(tb testing.TB, size int) {
	tb.Helper()
	conn := i.dial(tb)
	go func() { // the server may close the connection before it has read all of it
		_, _ = conn.Write([]byte(i.head(http.MethodDelete, i.path, "Content-Length: "+strconv.Itoa(size)) + text(size) +
			i.head(http.MethodGet, i.path)))
	}()
	conn.answer(tb, http.MethodDelete).refused(tb, http.StatusMethodNotAllowed)
	if got, err := conn.tryAnswer(http.MethodGet); err == nil {
		equal(tb, "the status of what follows a body that was not read", got.status, http.StatusOK)
	}
}

// pipelined: requests that are sent before the answers are answered in order.
func pipelined(t *testing.T, a Adapter) {
	i := start(t, a, setup{})
	conn := i.dial(t)
	var all strings.Builder
	for n := range 10 {
		all.WriteString(i.rawCall(payload{ID: strconv.Itoa(n), Text: text(100 * n)}))
	}
	conn.send(t, all.String())
	for n := range 10 {
		conn.answer(t, http.MethodPost).returned(t, strconv.Itoa(n))
	}
}

// concurrentCalls: no call sees anything of another one.
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
					t.Errorf("call %s: the answer is %s (%v), want %s", id, got, err, want)
					return
				}
			}
		})
	}
	all.Wait()
}

// run runs a step that returns value.
func run(ctx context.Context, value any) (any, error) {
	return step.Run(ctx, "step", func(context.Context) (any, error) { return value, nil })
}
