package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
)

// waits is the event whose call waits until it is released.
const waits = "waits"

// rounds is how often a case that depends on timing is repeated.
const rounds = 10

// resultSize is the size in bytes of the result of a call during a shutdown. It takes
// more than one write, so a response could be truncated.
const resultSize = 100_000

// blocked is an instance with a call that runs until release is called.
type blocked struct {
	*instance

	release  func()
	response chan response // of the call; empty if the connection broke
}

// startBlocked starts an instance and a call in it.
func startBlocked(tb testing.TB, a Adapter) blocked {
	tb.Helper()
	started := make(chan struct{}, 1)
	released, release := context.WithCancel(context.Background())
	b := blocked{release: release, response: make(chan response, 1)}
	b.instance = start(tb, a, setup{function: func(ctx context.Context, in input) (any, error) {
		if in.Event.Data.ID == waits {
			started <- struct{}{}
			<-released.Done()
		}
		return run(ctx, in.Event.Data.Text)
	}})
	tb.Cleanup(release) // if the test fails before it does that
	conn := b.dial(tb)
	conn.send(tb, b.rawCall(payload{ID: waits, Text: text(resultSize)}))
	go func() {
		got, err := conn.tryResponse(http.MethodPost)
		if err != nil {
			got = response{}
		}
		b.response <- got
	}()
	await(tb, "the call has not started", started)
	return b
}

// complete fails the test unless the response contains the whole result of the call.
func (a response) complete(tb testing.TB) {
	tb.Helper()
	whole := json.Valid([]byte(a.body)) && strings.Contains(a.body, `"`+text(resultSize)+`"`)
	if a.status != http.StatusPartialContent || !a.bySDK() || !whole {
		tb.Fatalf("the response to the call that ran during the shutdown is %s", a)
	}
}

// shutdown: running calls get their response, and new calls are refused.
func shutdown(t *testing.T, a Adapter) {
	for range rounds {
		b := startBlocked(t, a)
		down := make(chan error, 1)
		ctx := within(t)
		go func() { down <- b.app.Shutdown(ctx) }()
		var got response
		for got.status != http.StatusServiceUnavailable { // as soon as the shutdown has begun
			got = b.call(t, payload{ID: "new"})
			equal(t, "sent by the SDK", got.bySDK(), true)
			must(t, "the call during the shutdown", ctx.Err())
		}
		equal(t, "Retry-After", got.header["Retry-After"], []string{"2"})
		b.release()
		must(t, "App.Shutdown", await(t, "App.Shutdown does not return", down))
		b.stop(t)
		await(t, "the call gets no response", b.response).complete(t)
	}
}

// shutdownServerFirst: the wrong order may cost the response to a call, but never
// produces a wrong one.
func shutdownServerFirst(t *testing.T, a Adapter) {
	for range rounds {
		b := startBlocked(t, a)
		down := make(chan error, 1)
		ctx := within(t)
		go func() { down <- b.server.Shutdown(ctx) }()
		for b.listens(t) {
			must(t, "the server still listens", ctx.Err())
		}
		b.release()
		must(t, "Server.Shutdown", await(t, "Server.Shutdown does not return", down))
		_ = await(t, "Serve does not return", b.served)
		must(t, "App.Shutdown", b.app.Shutdown(ctx))
		b.stopped = true
		b.client.CloseIdleConnections()
		if got := await(t, "the call gets no response", b.response); got.status != 0 {
			got.complete(t)
		}
	}
}

// listens reports whether the server accepts new connections.
func (i *instance) listens(tb testing.TB) bool {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", i.addr)
	if err != nil {
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			tb.Fatalf("dial: %v", err)
		}
		return false
	}
	_ = conn.Close()
	return true
}
