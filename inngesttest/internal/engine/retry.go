package engine

import (
	"fmt"
	"time"

	"github.com/inngestkit/inngestkit/inngesttest/internal/limits"
)

// retry puts a call into the queue again, with the next attempt, and describes when it will
// be made.
func (e *Engine) retry(it *item, header string) string {
	now := e.clock.now()
	at, asked := e.retryAfter(header)
	if !asked {
		at = now.Add(e.backoff(it.attempt))
	}
	it.attempt++
	it.at = at
	e.enqueue(it)
	return fmt.Sprintf("attempt %d of %d in %s", it.attempt+1, it.run.Function.MaxAttempts, at.Sub(now))
}

// backoff returns the time to the attempt that follows another.
func (e *Engine) backoff(attempt int) time.Duration {
	switch {
	case e.cfg.RetryInterval != 0:
		return e.cfg.RetryInterval
	case e.cfg.NoJitter:
		return limits.Backoff(attempt, nil)
	default:
		return limits.Backoff(attempt, func(limit time.Duration) time.Duration {
			return time.Duration(e.rand.Int64N(int64(limit)))
		})
	}
}

// retryAfter returns when a response asks for the next attempt. Outside a bubble, the dates
// of an app are those of the real clock, so that the time from then to the date counts. Core
// writes dates in whole seconds.
func (e *Engine) retryAfter(header string) (time.Time, bool) {
	if header == "" {
		return time.Time{}, false
	}
	now := e.clock.now()
	if date, err := time.Parse(time.RFC3339, header); err == nil && !e.cfg.Bubble {
		ahead := date.Sub(time.Now().Truncate(time.Second))
		header = now.Truncate(time.Second).Add(ahead).UTC().Format(time.RFC3339)
	}
	return limits.RetryAfter(header, now)
}
