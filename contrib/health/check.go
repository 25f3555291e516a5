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

// A Check tests something that the program needs, such as a database. It runs in the
// background, never twice at the same time. Reports contain its last result and the
// result's age.
type Check struct {
	// Name is the name of the indicator in reports. It is required and must be unique.
	Name string
	// Run returns nil if all is well. It should return when ctx ends; ctx carries the
	// app. The error is logged. Clients do not see it, because it may contain a
	// password, unless it is [Public]. (*sql.DB).PingContext is such a function.
	// Required.
	Run func(ctx context.Context) error
	// Timeout limits the duration of Run. If Run ignores the end of ctx, it does not
	// run again until it has returned. The default is [DefaultTimeout].
	Timeout time.Duration
	// Interval is the time from the end of one run to the next. The default is that of
	// [WithInterval].
	Interval time.Duration
	// HealthOnly excludes the check from readiness. Use it for a dependency that the
	// program can work without.
	HealthOnly bool
}

// Public marks the error of a [Check] as safe to show to clients. Reports contain up to
// 1 KiB of its text. Public returns nil for nil.
func Public(err error) error {
	if err == nil {
		return nil
	}
	return publicError{err}
}

type publicError struct{ error }

// Unwrap returns the marked error.
func (e publicError) Unwrap() error { return e.error }

// A check runs a Check and stores its last result.
type check struct {
	Check

	log  *slog.Logger
	last atomic.Pointer[result]
}

// A result is the outcome of one run of a check.
type result struct {
	down bool
	// text and stack (of a panic) are for the log, message is for clients.
	text, stack, message string
	at                   time.Time
}

// maxMessage is the maximum length of a message in reports, in bytes.
const maxMessage = 1 << 10

func newCheck(c Check, log *slog.Logger) *check { return &check{Check: c, log: log} }

// loop runs the check repeatedly until ctx is done.
func (c *check) loop(ctx context.Context) {
	for {
		select {
		case <-c.once(ctx):
		case <-ctx.Done(): // does not wait for a check that ignores ctx
			return
		}
		select {
		case <-time.After(c.Interval):
		case <-ctx.Done():
			return
		}
	}
}

// once runs the check and records its result, or a timeout. The channel is closed when
// Run has returned.
func (c *check) once(ctx context.Context) <-chan struct{} {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	ended := make(chan struct{})
	r := failed("the check did not return: it called runtime.Goexit")
	go func() {
		defer close(ended)
		r = c.call(limited)
	}()
	select {
	case <-ended:
		if r.down && limited.Err() != nil { // it probably failed because of the timeout
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
	return result{down: true, text: text, message: "the check failed; see the app's log"}
}

// call calls the user's code, which is Run and the Error method of what it returns.
func (c *check) call(ctx context.Context) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r = failed("panic: " + printed(p))
			r.stack = string(debug.Stack())
			r.message = "the check panicked; see the app's log"
		}
	}()
	err := c.Run(ctx)
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

// printed formats a value that a user's function panicked with. Formatting may panic,
// too.
func printed(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a value of type %T that cannot be printed", value)
		}
	}()
	return fmt.Sprint(value)
}

// record stores a result and logs a change.
func (c *check) record(ctx context.Context, r result) {
	if ctx.Err() != nil {
		return // the check ended because the app is shutting down
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

// indicator returns the check's indicator for reports.
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
