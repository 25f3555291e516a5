package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/inngestkit/inngestkit/core/adapter"
	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// drainRetryAfter is the Retry-After header, in seconds, of calls that come
// during a shutdown, or that have found no free place in time.
const drainRetryAfter = "2"

var errDraining = errors.New("the app is shutting down")

// admit lets a call of a function in, or makes the answer that turns it away. A
// call that is let in has to call a.gate.leaveCall when it ends.
func (a *App) admit(ctx context.Context, req *adapter.Request) (refusal *adapter.Response) {
	switch err := a.gate.enterCall(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, errDraining):
		return shuttingDown(req)
	default:
		return comeBack(req, fmt.Sprintf("the call waited for one of the app's %d places until its context was done (%v); "+
			"raise Config.MaxInFlight, or limit the functions' concurrency at the server", a.config.MaxInFlight, err))
	}
}

func shuttingDown(req *adapter.Request) *adapter.Response {
	return comeBack(req, "the app is shutting down; another instance will answer")
}

// comeBack answers a request that the server is to try again shortly.
func comeBack(req *adapter.Request, message string) *adapter.Response {
	resp := fail(req, http.StatusServiceUnavailable, message, false)
	resp.Header.Set(headerRetryAfter, drainRetryAfter)
	return resp
}

// drainGate counts what runs and lets nothing new in once it is closed. Calls of
// functions it lets in only as many at a time as there are places.
type drainGate struct {
	mu    sync.Mutex
	count int           // of what is in
	calls int           // of calls of functions among it
	idle  chan struct{} // closed when the gate is closed and nothing is in

	places chan struct{} // holds a value for each call that runs; nil without a cap

	closing context.Context //nolint:containedctx // it ends with the gate, for what runs in the background
	end     context.CancelFunc
}

// newDrainGate returns an open gate with so many places for calls, 0 for no cap.
func newDrainGate(places int) *drainGate {
	g := &drainGate{idle: make(chan struct{})}
	if places > 0 {
		g.places = make(chan struct{}, places)
	}
	g.closing, g.end = context.WithCancel(context.Background())
	return g
}

func (g *drainGate) enter() bool { return g.add(0) }

func (g *drainGate) leave() { g.remove(0) }

func (g *drainGate) add(calls int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() != nil {
		return false
	}
	g.count++
	g.calls += calls
	return true
}

func (g *drainGate) remove(calls int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.calls -= calls
	if g.closing.Err() != nil && g.count == 0 {
		close(g.idle)
	}
}

// enterCall is enter for a call of a function. It waits for a free place until
// ctx is done or the gate closes: a refusal would count as an attempt at the
// server, and waiting does not.
func (g *drainGate) enterCall(ctx context.Context) error {
	if g.places != nil {
		select {
		case g.places <- struct{}{}:
		case <-g.closing.Done():
			return errDraining
		case <-ctx.Done():
			return ctxerr.Cause(ctx)
		}
	}
	if g.add(1) {
		return nil
	}
	g.freePlace()
	return errDraining
}

// leaveCall is leave for what enterCall has let in.
func (g *drainGate) leaveCall() {
	g.freePlace()
	g.remove(1)
}

func (g *drainGate) freePlace() {
	if g.places != nil {
		<-g.places
	}
}

// inFlight is the number of calls of functions that run.
func (g *drainGate) inFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// close lets nothing in any more. The channel is closed when nothing runs.
func (g *drainGate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Err() == nil {
		g.end()
		if g.count == 0 {
			close(g.idle)
		}
	}
	return g.idle
}
