package inngestotel

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// LogHandler returns a handler that adds trace_id, span_id and trace_flags of the span
// in the context to each record, always at the top level, even for loggers with groups.
// The names are those that OpenTelemetry specifies for non-OTLP log formats. Use it in
// the Logger of the app's configuration: what functions log with
// inngestkit.Logger(ctx), or with that logger's InfoContext(ctx, …), can then be found
// by trace:
//
//	config.Logger = slog.New(inngestotel.LogHandler(slog.NewJSONHandler(os.Stderr, nil)))
//
// To export logs with OpenTelemetry, use go.opentelemetry.io/contrib/bridges/otelslog
// instead, which reads the span from the context itself.
func LogHandler(next slog.Handler) slog.Handler {
	return logHandler{next: next, top: next}
}

// A logHandler adds the IDs to top, the handler before the first group.
type logHandler struct {
	next slog.Handler
	top  slog.Handler
	// since holds the WithGroup and WithAttrs calls that turn top into next.
	since []func(slog.Handler) slog.Handler
}

// Enabled implements slog.Handler.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return h.next.Handle(ctx, record)
	}
	ids := []slog.Attr{
		slog.String("trace_id", span.TraceID().String()),
		slog.String("span_id", span.SpanID().String()),
		slog.String("trace_flags", span.TraceFlags().String()),
	}
	if len(h.since) == 0 {
		record = record.Clone()
		record.AddAttrs(ids...)
		return h.next.Handle(ctx, record)
	}
	handler := h.top.WithAttrs(ids)
	for _, apply := range h.since {
		handler = apply(handler)
	}
	return handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.since) == 0 {
		return LogHandler(h.next.WithAttrs(attrs))
	}
	return h.with(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h logHandler) with(apply func(slog.Handler) slog.Handler) slog.Handler {
	since := append(slices.Clip(h.since), apply)
	return logHandler{next: apply(h.next), top: h.top, since: since}
}
