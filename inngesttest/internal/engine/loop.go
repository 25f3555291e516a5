package engine

import (
	"container/heap"
	"context"
	"time"
)

// Settle runs what is due until nothing more happens without time passing. In a bubble,
// calls that wait for time to pass are under way afterwards.
func (e *Engine) Settle(ctx context.Context) {
	defer e.drive()()
	e.cronRuns = 0
	e.settle(ctx)
}

// AdvanceTo lets time pass until t, and runs what is due on the way and then. It returns
// early if ctx is done.
func (e *Engine) AdvanceTo(ctx context.Context, t time.Time) {
	defer e.drive()()
	e.cronRuns = 0
	for ctx.Err() == nil {
		e.settle(ctx)
		if !e.clock.now().Before(t) {
			return
		}
		next, ok := e.queue.next()
		if !ok || next.After(t) {
			next = t
		}
		e.pass(ctx, next)
	}
}

// Advance settles, lets time pass until something is due or a call ends, and settles. It
// reports false if nothing can happen any more.
func (e *Engine) Advance(ctx context.Context) bool {
	defer e.drive()()
	e.settle(ctx)
	next, ok := e.queue.next()
	switch {
	case ctx.Err() != nil, !ok && len(e.flights) == 0:
		return false
	case ok:
		e.pass(ctx, next)
	default:
		e.awaitLanding(ctx)
	}
	e.settle(ctx)
	return true
}

// drive locks the engine for its caller, who alone lets time pass until the returned
// function is called.
func (e *Engine) drive() (unlock func()) {
	e.driving <- struct{}{}
	e.mu.Lock()
	return func() {
		e.mu.Unlock()
		<-e.driving
	}
}

// unlocked calls do without the lock, which it has again afterwards even if do ends the
// goroutine.
func (e *Engine) unlocked(do func()) {
	e.mu.Unlock()
	defer e.mu.Lock()
	do()
}

// settle takes what is due.
func (e *Engine) settle(ctx context.Context) {
	e.queue.retry()
	for ctx.Err() == nil {
		if e.cfg.Bubble {
			e.land()
		}
		e.queue.mature(e.clock.now())
		it := e.queue.take()
		if e.overlapping() && (it == nil || it.do != nil) {
			// The calls of a wave count in its order, and before what comes after it.
			if it != nil {
				heap.Push(&e.queue.due, it)
			}
			e.awaitWave()
			continue
		}
		if it == nil {
			return
		}
		e.run(ctx, it)
	}
}

// run takes one item.
func (e *Engine) run(ctx context.Context, it *item) {
	if it.do != nil {
		it.gone = true
		it.do()
		return
	}
	if reason := e.mayStart(it); reason != "" {
		if reason != it.waiting {
			it.waiting = reason
			e.row(it.run, "%s", reason)
		}
		e.queue.hold(it)
		return
	}
	it.waiting, it.running, it.released = "", true, false
	if f := e.prepare(it); f != nil {
		e.launch(ctx, f)
		return
	}
	it.running = false
	e.free(it)
	e.done(it)
}

// launch makes a call.
func (e *Engine) launch(ctx context.Context, f *flight) {
	e.flights = append(e.flights, f)
	switch {
	case e.cfg.Bubble:
		e.launchInBubble(ctx, f)
	case e.cfg.Overlap:
		e.wave.Go(func() { e.fly(ctx, f) })
	default:
		e.unlocked(func() { e.fly(ctx, f) })
		e.land()
	}
}

// land handles the responses of the calls that have ended, in the order in which they began.
func (e *Engine) land() {
	for i := 0; i < len(e.flights); {
		f := e.flights[i]
		if !f.ended {
			i++
			continue
		}
		e.flights = append(e.flights[:i], e.flights[i+1:]...)
		e.arrive(f)
	}
}

// pass lets time pass until t. In a bubble it returns when a call ends before.
func (e *Engine) pass(ctx context.Context, t time.Time) {
	if e.cfg.Bubble {
		e.passInBubble(ctx, t)
		return
	}
	e.clock.time = t
}
