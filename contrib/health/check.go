package inngesthealth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// Check is a check of something that the program needs. It runs in the background,
// never twice at a time; reports tell its last result, and how old that is.
type Check struct {
	// Name is that of the indicator in reports. Required, and no other check's.
	Name string
	// Run returns nil if all is well. It should end when ctx does, which carries the
	// app. Its error is logged and not told to clients, since it may hold a password; [Public] has it
	// told. (*sql.DB).PingContext is such a function. Required.
	Run func(ctx context.Context) error
	// Timeout is how long Check may take. The next run waits until Check has returned,
	// however long that takes. The default is [DefaultTimeout].
	Timeout time.Duration
	// Interval is the time from the end of a run to the next one. The default is that of
	// [WithInterval], which is [DefaultInterval] if it is not given.
	Interval time.Duration
	// HealthOnly keeps the check out of the readiness: it is for what the program can
	// do its work without.
	HealthOnly bool
}

// Public marks an error of a [Check] whose text may be told to clients, up to 1 KiB of
// it.
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
	down bool
	// text is for the log, as is the stack of a panic, and message for clients.
	text, stack, message string
	at                   time.Time
}

// maxMessage is how much of a text goes into reports, in bytes.
const maxMessage = 1 << 10

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
	ended := make(chan struct{})
	r := failed("the check did not come to an end: its goroutine has ended (runtime.Goexit)")
	go func() {
		defer close(ended)
		r = c.call(limited)
	}()
	select {
	case <-ended:
		if r.down && limited.Err() != nil { // that is why it has given up
			r.message = c.tooLate()
			r.text = r.message + ": " + r.text
		}
		c.record(ctx, r)
	case <-limited.Done():
		c.record(ctx, result{down: true, text: c.tooLate(), message: c.tooLate()})
	}
	return ended
}

func (c *check) tooLate() string { return fmt.Sprintf("no result within %s", c.Timeout) }

func failed(text string) result {
	return result{down: true, text: text, message: "the check has failed; see the app's log"}
}

// call calls the user's functions: that of the check, and Error.
func (c *check) call(ctx context.Context) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r = failed("panic: " + printed(p))
			r.stack = string(debug.Stack())
			r.message = "the check panicked; see the app's log"
		}
	}()
	err := c.Check.Run(ctx)
	if err == nil {
		return result{}
	}
	r = failed(err.Error())
	if public, ok := errors.AsType[publicError](err); ok {
		text := public.Error()
		r.message = strings.ToValidUTF8(text[:min(len(text), maxMessage)], "")
	}
	return r
}

// printed is a value that a function of the user's has panicked with. Printing it may
// panic, too.
func printed(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a value of type %T that cannot be printed", value)
		}
	}()
	return fmt.Sprint(value)
}

// record keeps a result, and logs what is new.
func (c *check) record(ctx context.Context, r result) {
	if ctx.Err() != nil {
		return // it ended because the app does
	}
	r.at = time.Now()
	before := c.last.Swap(&r)
	switch {
	case r.down && (before == nil || !before.down || before.text != r.text):
		log := c.log
		if r.stack != "" {
			log = log.With("stack", r.stack)
		}
		log.Warn("inngest: health check is down", "check", c.Name, "error", r.text)
	case !r.down && before != nil && before.down:
		c.log.Info("inngest: health check is up again", "check", c.Name)
	}
}

// indicator is what reports tell of the check.
func (c *check) indicator() Indicator {
	last := c.last.Load()
	if last == nil {
		return Indicator{Status: Down, Message: "no result yet"}
	}
	i := Indicator{Status: Up, Message: last.message, AgeSeconds: new(time.Since(last.at).Round(time.Millisecond).Seconds())}
	if last.down {
		i.Status = Down
	}
	return i
}
