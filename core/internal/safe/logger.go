package safe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Logger returns logger with a handler that does not panic. Most of what is logged
// reports that something has gone wrong already, or comes from a goroutine that
// nothing else guards. If the original handler panics, the record is lost, and
// standard error says so, at most once a minute.
func Logger(logger *slog.Logger) *slog.Logger {
	return slog.New(newHandler(logger.Handler(), os.Stderr))
}

// handler calls a handler that the user configured.
type handler struct {
	next   slog.Handler
	report *panicReport
}

func newHandler(next slog.Handler, out io.Writer) handler {
	return handler{next, &panicReport{out: out}}
}

var errHandlerPanicked = errors.New("the Logger's handler panicked")

// Enabled implements slog.Handler. After a panic it returns what slog logs by default.
func (h handler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() {
		if r := recover(); r != nil {
			h.report.write("Enabled", h.next, r)
			enabled = level >= slog.LevelInfo
		}
	}()
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, record slog.Record) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.report.write("Handle", h.next, r)
			err = errHandlerPanicked
		}
	}()
	return h.next.Handle(ctx, record)
}

// WithAttrs implements slog.Handler. After a panic it leaves the attributes out.
func (h handler) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if r := recover(); r != nil {
			h.report.write("WithAttrs", h.next, r)
			with = h
		}
	}()
	return handler{h.next.WithAttrs(attrs), h.report}
}

// WithGroup implements slog.Handler. After a panic it leaves the group out.
func (h handler) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if r := recover(); r != nil {
			h.report.write("WithGroup", h.next, r)
			with = h
		}
	}()
	return handler{h.next.WithGroup(name), h.report}
}

// panicReport writes about the panics of a handler and of those derived from it.
type panicReport struct {
	out   io.Writer
	limit OncePerMinute
}

func (p *panicReport) write(method string, handler slog.Handler, value any) {
	if p.limit.Allow() {
		_, _ = fmt.Fprintf(p.out, "inngest: %s of the Logger's handler (%T) panicked, so a record or a part of it is lost: %s\n",
			method, handler, Sprint(value))
	}
}

// OncePerMinute limits reports of repeated panics. The zero value is ready to use.
type OncePerMinute struct {
	last atomic.Int64 // in Unix nanoseconds
}

// Allow reports whether a minute has passed since it last returned true.
func (o *OncePerMinute) Allow() bool {
	now, last := time.Now().UnixNano(), o.last.Load()
	return now-last >= int64(time.Minute) && o.last.CompareAndSwap(last, now)
}
