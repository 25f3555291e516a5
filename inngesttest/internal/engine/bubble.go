package engine

import (
	"context"
	"testing/synctest"
	"time"
)

// In a bubble of testing/synctest the clock is the bubble's, and calls take time. Each runs
// on a goroutine until it has ended, or waits for time to pass or for another call. Then
// the next one of the wave starts. So the calls overlap as those of a server do, but always in
// the same way.

// flyInBubble starts the calls of a wave, each when the one before has ended or is blocked.
func (e *Engine) flyInBubble(ctx context.Context, wave []*flight) {
	e.unlocked(func() {
		for _, f := range wave {
			go e.fly(ctx, f)
			synctest.Wait()
		}
	})
}

// passInBubble lets time pass until t or until a call has ended.
func (e *Engine) passInBubble(ctx context.Context, t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	e.unlocked(func() {
		select {
		case <-timer.C:
		case <-e.landed:
		case <-ctx.Done():
		}
		synctest.Wait() // other calls end at the same time
	})
}

// awaitLanding lets time pass until a call has ended. Outside a bubble, none is under way.
func (e *Engine) awaitLanding(ctx context.Context) {
	e.unlocked(func() {
		select {
		case <-e.landed:
		case <-ctx.Done():
		}
		if e.cfg.Bubble {
			synctest.Wait()
		}
	})
}
