package inngestkit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/inngest/inngestgo/middleware"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Logger returns the logger for code in functions: the app's, with the function, the run and
// the attempt as attributes. It and the loggers derived from it are silent while the
// function replays, so each line is logged once per run although the function is called
// several times.
//
// Records that are logged without a context, for example with Info, get ctx, so handlers can
// read values from it, such as the IDs of a trace.
//
// Outside functions, Logger returns the logger of the app that ctx carries, or
// slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if c := callOf(ctx); c != nil && c.logs.call != nil {
		return slog.New(contextHandler{&c.logs, ctx})
	}
	if a := FromContext(ctx); a != nil {
		return a.config.Logger
	}
	return slog.Default()
}

// withLogger returns a context in which Logger and the SDK's LoggerFromContext find the
// call's logger. The SDK's own logger does not stay silent once attributes are added to it.
func withLogger(ctx context.Context, c *FunctionCall) context.Context {
	c.logs.call = &c.call
	sdk := middleware.LogMiddleware(slog.New(&c.logs))()
	sdk.BeforeExecution(ctx, middleware.CallContext{}) // callHandler decides when to be silent
	var input middleware.TransformableInput
	input.WithContext(ctx)
	sdk.TransformInput(ctx, middleware.CallContext{}, &input)
	return input.Context()
}

// callHandler is the handler of a call's logger. It formats the call's attributes only when
// something is logged.
type callHandler struct {
	call *call.Call // nil until the function begins
	once sync.Once
	with replayHandler
}

// Enabled implements slog.Handler.
func (h *callHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.call.Logger.Enabled(ctx, level) && !h.call.Replay.Replaying()
}

// Handle implements slog.Handler.
func (h *callHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.handler().Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h *callHandler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.handler().WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (h *callHandler) WithGroup(name string) slog.Handler { return h.handler().WithGroup(name) }

func (h *callHandler) handler() replayHandler {
	h.once.Do(func() {
		h.with = replayHandler{h.call.Logger.Handler().WithAttrs([]slog.Attr{
			slog.String("function", h.call.FunctionID),
			slog.String("run_id", h.call.RunID),
			slog.Int("attempt", h.call.Attempt),
		}), &h.call.Replay}
	})
	return h.with
}

// replayHandler drops records while the function replays.
type replayHandler struct {
	slog.Handler

	replay *call.Replay
}

// Enabled implements slog.Handler.
func (h replayHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, level) && !h.replay.Replaying()
}

// WithAttrs implements slog.Handler.
func (h replayHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return replayHandler{h.Handler.WithAttrs(attrs), h.replay}
}

// WithGroup implements slog.Handler.
func (h replayHandler) WithGroup(name string) slog.Handler {
	return replayHandler{h.Handler.WithGroup(name), h.replay}
}

// contextHandler adds ctx to records that are logged without a context.
type contextHandler struct {
	slog.Handler

	ctx context.Context //nolint:containedctx // a logger lives no longer than the code that has the context
}

// Enabled implements slog.Handler.
func (h contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(h.context(ctx), level)
}

// Handle implements slog.Handler.
func (h contextHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.Handler.Handle(h.context(ctx), record)
}

// WithAttrs implements slog.Handler.
func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs), h.ctx}
}

// WithGroup implements slog.Handler.
func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name), h.ctx}
}

// context returns ctx, or the handler's own context if ctx is the one that slog passes for
// Info and similar methods.
func (h contextHandler) context(ctx context.Context) context.Context {
	if ctx == context.Background() {
		return h.ctx
	}
	return ctx
}

// Logging returns middleware that logs successful runs, steps and sends at level, with
// [Logger]: the start of a run, the end of a step, the end of a function, a send. Each is
// logged once, however often the function is called, except that each attempt of the first
// step logs the start again. Durations are those of the last call or attempt. The app itself
// logs failures, with or without this middleware.
func Logging(level slog.Level) Middleware {
	return Middleware{
		Function: func(next FunctionHandler) FunctionHandler {
			return func(ctx context.Context, call *FunctionCall) (any, error) {
				begin := time.Now()
				if !call.Replaying() {
					Logger(ctx).Log(ctx, level, "inngest: function started")
				}
				output, err := next(ctx, call)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: function finished", "duration", time.Since(begin))
				}
				return output, err
			}
		},
		Step: func(next StepHandler) StepHandler {
			return func(ctx context.Context, step *StepCall) (any, error) {
				begin := time.Now()
				output, err := next(ctx, step)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: step finished", "step", step.ID, "duration", time.Since(begin))
				}
				return output, err
			}
		},
		Send: func(next SendHandler) SendHandler {
			return func(ctx context.Context, events []RawEvent) ([]string, error) {
				begin := time.Now()
				ids, err := next(ctx, events)
				if err == nil {
					Logger(ctx).Log(ctx, level, "inngest: events sent", "ids", ids, "duration", time.Since(begin))
				}
				return ids, err
			}
		},
	}
}

// Recover returns middleware that passes panics of functions and steps to report, for
// example to send them to an error tracker. Even without it, the app recovers panics and
// logs them with their stack, and the server retries.
func Recover(report func(ctx context.Context, panicked *PanicError)) Middleware {
	reportAny := func(ctx context.Context, err error) {
		if panicked, ok := errors.AsType[*PanicError](err); ok {
			report(ctx, panicked)
		}
	}
	return Middleware{
		Function: func(next FunctionHandler) FunctionHandler {
			return func(ctx context.Context, call *FunctionCall) (any, error) {
				output, err := next(ctx, call)
				reportAny(ctx, err)
				return output, err
			}
		},
		Step: func(next StepHandler) StepHandler {
			return func(ctx context.Context, step *StepCall) (any, error) {
				output, err := next(ctx, step)
				reportAny(ctx, err)
				return output, err
			}
		},
	}
}
