package engine

import (
	"context"
	"slices"
	"time"
)

// Settle runs what is due until nothing more happens without time passing. In a bubble,
// calls that wait for time to pass are under way afterwards.
func (e *Engine) Settle(ctx context.Context) {
	defer e.drive()()
	e.beginStarts()
	e.settle(ctx)
}

// AdvanceTo lets time pass until t, and runs what is due on the way and then. It returns
// early if ctx is done.
func (e *Engine) AdvanceTo(ctx context.Context, t time.Time) {
	defer e.drive()()
	e.beginStarts()
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
	case ctx.Err() != nil, !ok && len(e.flights) == 0: // outside a bubble, no call is under way here
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

// settle takes what is due. The calls that are due at the same time are a wave, as on a server:
// each has the state before the wave, and their responses count when all have ended, in the
// order of the queue.
func (e *Engine) settle(ctx context.Context) {
	e.queue.retry()
	for ctx.Err() == nil {
		e.land()
		e.queue.mature(e.clock.now())
		it := e.queue.take()
		switch {
		case it != nil && it.do == nil:
			e.admit(it)
		case len(e.wave) > 0:
			if it != nil {
				e.queue.back(it)
			}
			e.launch(ctx)
		case it == nil:
			return
		default:
			it.do()
		}
	}
}

// admit adds a call to the wave, if its limits let it start.
func (e *Engine) admit(it *item) {
	if reason := e.mayStart(it); reason != "" {
		if reason != it.waiting {
			it.waiting, it.run.Held = reason, reason
			e.row(it.run, "%s", reason)
		}
		e.queue.hold(it, reason)
		return
	}
	it.waiting, it.running, it.released = "", true, false
	it.run.Held = ""
	if f := e.prepare(it); f != nil {
		e.wave = append(e.wave, f)
		return
	}
	it.running = false
	e.free(it)
	e.done(it)
}

// launch makes the calls of the wave.
func (e *Engine) launch(ctx context.Context) {
	wave := e.wave
	e.wave = nil
	e.flights = append(e.flights, wave...)
	switch {
	case e.cfg.Bubble:
		e.flyInBubble(ctx, wave)
	case e.cfg.Overlap:
		e.flyTogether(ctx, wave)
	default:
		e.flyInTurn(ctx, wave)
	}
}

// flyInTurn makes the calls of a wave one after the other. If one of them ends the goroutine,
// because the test has failed in it, the others are not made.
func (e *Engine) flyInTurn(ctx context.Context, wave []*flight) {
	defer func() {
		e.flights = slices.DeleteFunc(e.flights, func(f *flight) bool { return !f.ended })
	}()
	e.unlocked(func() {
		for _, f := range wave {
			e.fly(ctx, f)
		}
	})
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
