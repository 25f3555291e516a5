package inngesthealth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Check is a check of something that the program needs. It runs in the background,
// never twice at a time; reports tell its last result, and how old that is.
type Check struct {
	// Name is that of the indicator in reports. Required, and no other check's.
	Name string
	// Check returns nil if all is well. It should end when ctx does. Its error is
	// logged and not told to clients, since it may hold a password; [Public] has it
	// told. (*sql.DB).PingContext is such a function. Required.
	Check func(ctx context.Context) error
	// Timeout is how long Check may take. With the next run it waits until Check has
	// returned, however long that takes. The default is [DefaultTimeout].
	Timeout time.Duration
	// Interval is the time from the end of a run to the next one. The default is that of
	// [WithInterval], which is [DefaultInterval] if it is not given.
	Interval time.Duration
	// HealthOnly keeps the check out of the readiness: it is for what the program can
	// do its work without.
	HealthOnly bool
}

// Public marks an error of a [Check] whose text may be told to clients.
func Public(err error) error {
	if err == nil {
		return nil
	}
	return publicError{err}
}

type publicError struct{ error }

// Unwrap is for errors.Is and errors.As.
func (e publicError) Unwrap() error { return e.error }

// check is a Check at work.
type check struct {
	Check

	log  *slog.Logger
	last atomic.Pointer[result]
}

// result is how a check has ended.
type result struct {
	err error
	at  time.Time
}

var errNoEnd = errors.New("the check did not come to an end: its goroutine has ended (runtime.Goexit)")

func newCheck(c Check, log *slog.Logger) *check { return &check{Check: c, log: log} }

// run runs the check again and again until ctx is done.
func (c *check) run(ctx context.Context) {
	for {
		select {
		case <-c.once(ctx):
		case <-ctx.Done(): // a check that goes on all the same is left to itself
			return
		}
		select {
		case <-time.After(c.Interval):
		case <-ctx.Done():
			return
		}
	}
}

// once runs the check and records its result, or that there was none in time. The
// channel is closed when the check has returned.
func (c *check) once(ctx context.Context) <-chan struct{} {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	ended, err := make(chan struct{}), errNoEnd
	go func() {
		defer close(ended)
		err = c.call(limited)
	}()
	select {
	case <-ended:
		if err != nil && limited.Err() != nil {
			err = c.tooLate() // that is why it has given up
		}
		c.record(ctx, err)
	case <-limited.Done():
		c.record(ctx, c.tooLate())
	}
	return ended
}

func (c *check) tooLate() error { return Public(fmt.Errorf("no result within %s", c.Timeout)) }

// call calls the user's function.
func (c *check) call(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("inngest: health check panicked", "check", c.Name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = Public(errors.New("the check panicked; see the app's log"))
		}
	}()
	return c.Check.Check(ctx)
}

// record keeps a result, and logs what has changed.
func (c *check) record(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // it ended because the app does
	}
	before := c.last.Swap(&result{err: err, at: time.Now()})
	switch {
	case err != nil && (before == nil || before.err == nil):
		c.log.Warn("inngest: health check is down", "check", c.Name, "error", err)
	case err == nil && before != nil && before.err != nil:
		c.log.Info("inngest: health check is up again", "check", c.Name)
	}
}

// indicator is what reports tell of the check.
func (c *check) indicator() Indicator {
	last := c.last.Load()
	if last == nil {
		return Indicator{Status: Down, Message: "no result yet"}
	}
	age := time.Since(last.at).Seconds()
	if last.err == nil {
		return Indicator{Status: Up, AgeSeconds: &age}
	}
	message := "the check has failed; see the app's log"
	if public, ok := errors.AsType[publicError](last.err); ok {
		message = public.Error()
	}
	return Indicator{Status: Down, Message: message, AgeSeconds: &age}
}
