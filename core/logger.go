package inngestkit

import (
	"context"
	"log/slog"
	"sync"

	"github.com/inngest/inngestgo/middleware"

	"github.com/inngestkit/inngestkit/core/internal/call"
)

// Logger returns the logger for the code of functions: that of the app, with the
// function, the run and the attempt as attributes. It is silent while the function
// is taken through what earlier calls did, so that each line is logged once in a
// run though the function is called several times. Loggers derived from it are
// silent then too.
//
// What it logs without a context, with Info for one, is logged with ctx: handlers
// that take something from the context, the IDs of a trace for one, find it.
//
// Outside of functions it is the logger of the app that ctx carries, or
// slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if h, ok := ctx.Value(loggerKey{}).(*callHandler); ok {
		return slog.New(contextHandler{h, ctx})
	}
	if a := FromContext(ctx); a != nil {
		return a.config.Logger
	}
	return slog.Default()
}

type loggerKey struct{}

// withLogger adds the logger of a call to its context, for Logger and for the
// LoggerFromContext of the SDK, whose own is not silent once attributes are added.
func withLogger(ctx context.Context, c *FunctionCall) context.Context {
	h := &callHandler{call: c}
	sdk := middleware.LogMiddleware(slog.New(h))()
	sdk.BeforeExecution(ctx, middleware.CallContext{}) // ours decides when to be silent
	var input middleware.TransformableInput
	input.WithContext(context.WithValue(ctx, loggerKey{}, h))
	sdk.TransformInput(ctx, middleware.CallContext{}, &input)
	return input.Context()
}

// callHandler is the handler of a call's logger. It formats the attributes of the
// call only if something is logged.
type callHandler struct {
	call *FunctionCall
	once sync.Once
	with replayHandler
}

// Enabled implements slog.Handler.
func (h *callHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.call.call.Logger.Enabled(ctx, level) && !h.call.call.Replay.Replaying()
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
		h.with = replayHandler{h.call.call.Logger.Handler().WithAttrs([]slog.Attr{
			slog.String("function", h.call.FunctionID),
			slog.String("run_id", h.call.RunID),
			slog.Int("attempt", h.call.Attempt),
		}), &h.call.call.Replay}
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

// contextHandler logs with ctx what comes without a context.
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

// context is ctx, unless slog has made it up, as for Info.
func (h contextHandler) context(ctx context.Context) context.Context {
	if ctx == context.Background() {
		return h.ctx
	}
	return ctx
}
