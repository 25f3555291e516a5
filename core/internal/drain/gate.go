// Package drain counts running work, rejects new work after a shutdown begins and
// reports when the last of it has ended.
package drain

import (
	"context"
	"errors"
	"sync"

	"github.com/inngestkit/inngestkit/core/internal/ctxerr"
)

// ErrClosed is returned for calls that arrive after Close, or are waiting for a place
// when it is called.
var ErrClosed = errors.New("the app is shutting down")

// Gate admits work until it is closed. Calls of functions count separately, and at
// most as many of them run at a time as the gate has places.
type Gate struct {
	mu    sync.Mutex
	count int           // everything admitted, including calls
	calls int           // admitted calls
	idle  chan struct{} // closed when the gate is closed and nothing runs

	places chan struct{} // holds a value for each running call; nil without a limit

	closing context.Context //nolint:containedctx // background work that outlives any request uses it
	end     context.CancelFunc
}

// NewGate returns an open gate with this many places for calls, 0 for no limit.
func NewGate(places int) *Gate {
	g := &Gate{idle: make(chan struct{})}
	if places > 0 {
		g.places = make(chan struct{}, places)
	}
	g.closing, g.end = context.WithCancel(context.Background())
	return g
}

// Enter admits work other than a call and reports true, or reports false if the gate
// is closed. The caller must call Leave when admitted work ends.
func (g *Gate) Enter() bool { return g.add(0) }

// Leave ends what Enter admitted.
func (g *Gate) Leave() { g.remove(0) }

// EnterCall admits a call, which must end with LeaveCall. It waits for a free place
// until ctx is done or the gate closes: a rejected call would count as an attempt at
// the server, a waiting one does not. The error is ErrClosed or the cause of ctx.
func (g *Gate) EnterCall(ctx context.Context) error {
	if g.places != nil {
		select {
		case g.places <- struct{}{}:
		case <-g.closing.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctxerr.Cause(ctx)
		}
		if ctx.Err() != nil { // a place was free, too: select takes either
			g.freePlace()
			return ctxerr.Cause(ctx)
		}
	}
	if g.add(1) {
		return nil
	}
	g.freePlace()
	return ErrClosed
}

// LeaveCall ends what EnterCall admitted.
func (g *Gate) LeaveCall() {
	g.freePlace()
	g.remove(1)
}

// InFlight returns the number of running calls.
func (g *Gate) InFlight() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// Closing returns a context that is canceled when the gate closes.
func (g *Gate) Closing() context.Context { return g.closing }

// IsClosed reports whether Close has been called.
func (g *Gate) IsClosed() bool { return g.closing.Err() != nil }

// Close rejects further work. It returns a channel that is closed when nothing runs.
func (g *Gate) Close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.IsClosed() {
		g.end()
		if g.count == 0 {
			close(g.idle)
		}
	}
	return g.idle
}

func (g *Gate) add(calls int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.IsClosed() {
		return false
	}
	g.count++
	g.calls += calls
	return true
}

func (g *Gate) remove(calls int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.calls -= calls
	if g.IsClosed() && g.count == 0 {
		close(g.idle)
	}
}

func (g *Gate) freePlace() {
	if g.places != nil {
		<-g.places
	}
}
