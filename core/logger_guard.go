package inngestkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/inngestkit/inngestkit/core/internal/safe"
)

// guardLogger returns logger with a handler that cannot panic: most of what is logged
// is about something that has gone wrong already, or comes from a goroutine that
// nobody guards.
func guardLogger(logger *slog.Logger) *slog.Logger {
	return slog.New(newGuardedHandler(logger.Handler(), os.Stderr))
}

// guardedHandler calls a handler of the user's. If that panics, what was to be logged
// is lost, and standard error says so.
type guardedHandler struct {
	next      slog.Handler
	complaint *complaint
}

func newGuardedHandler(next slog.Handler, out io.Writer) guardedHandler {
	return guardedHandler{next, &complaint{out: out}}
}

var errHandlerPanicked = errors.New("the Logger's handler panicked")

// Enabled implements slog.Handler. A handler that cannot tell gets what slog logs by
// default.
func (h guardedHandler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer func() {
		if r := recover(); r != nil {
			h.complaint.about("Enabled", h.next, r)
			enabled = level >= slog.LevelInfo
		}
	}()
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h guardedHandler) Handle(ctx context.Context, record slog.Record) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.complaint.about("Handle", h.next, r)
			err = errHandlerPanicked
		}
	}()
	return h.next.Handle(ctx, record)
}

// WithAttrs implements slog.Handler. After a panic the attributes are left out.
func (h guardedHandler) WithAttrs(attrs []slog.Attr) (with slog.Handler) {
	defer func() {
		if r := recover(); r != nil {
			h.complaint.about("WithAttrs", h.next, r)
			with = h
		}
	}()
	return guardedHandler{h.next.WithAttrs(attrs), h.complaint}
}

// WithGroup implements slog.Handler. After a panic the group is left out.
func (h guardedHandler) WithGroup(name string) (with slog.Handler) {
	defer func() {
		if r := recover(); r != nil {
			h.complaint.about("WithGroup", h.next, r)
			with = h
		}
	}()
	return guardedHandler{h.next.WithGroup(name), h.complaint}
}

// complaint says where a logger's panics are told, and how often.
type complaint struct {
	out  io.Writer
	once safe.OnceAMinute
}

// about tells that a method of a handler has panicked.
func (c *complaint) about(method string, handler slog.Handler, value any) {
	if c.once.Allows() {
		_, _ = fmt.Fprintf(c.out, "inngest: %s of the Logger's handler (%T) panicked, so a record or a part of it is lost: %s\n",
			method, handler, safe.Sprint(value))
	}
}
