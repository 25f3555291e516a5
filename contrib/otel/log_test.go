package inngestotel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	inngestotel "github.com/inngestkit/inngestkit/contrib/otel"
)

// The handler meets the contract of slog.Handler with and without a span.
func TestLogHandler(t *testing.T) {
	t.Parallel()
	for name, ctx := range map[string]context.Context{"no span": t.Context(), "a span": inSpan(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				out.Reset()
				return spanHandler{inngestotel.LogHandler(slog.NewJSONHandler(&out, nil)), ctx}
			}, func(t *testing.T) map[string]any {
				line := map[string]any{}
				require.NoError(t, json.Unmarshal(out.Bytes(), &line))
				return line
			})
		})
	}
}

// A spanHandler passes ctx to each record.
type spanHandler struct {
	slog.Handler

	ctx context.Context
}

func (h spanHandler) Handle(_ context.Context, record slog.Record) error {
	return h.Handler.Handle(h.ctx, record)
}

func (h spanHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return spanHandler{h.Handler.WithAttrs(attrs), h.ctx}
}

func (h spanHandler) WithGroup(name string) slog.Handler {
	return spanHandler{h.Handler.WithGroup(name), h.ctx}
}

func inSpan(t *testing.T) context.Context {
	t.Helper()
	return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}, TraceFlags: trace.FlagsSampled,
	}))
}

// The IDs appear once, at the top level, for any groups and attributes of a logger.
func TestLogHandlerInGroups(t *testing.T) {
	t.Parallel()
	const ids = `,"trace_id":"ab000000000000000000000000000000","span_id":"cd00000000000000","trace_flags":"01"`
	for name, tc := range map[string]struct {
		with func(l *slog.Logger) *slog.Logger
		want string
	}{
		"plain":              {func(l *slog.Logger) *slog.Logger { return l }, `"x":1` + ids},
		"attributes":         {func(l *slog.Logger) *slog.Logger { return l.With("a", 1) }, `"a":1,"x":1` + ids},
		"a group":            {func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") }, ids[1:] + `,"g":{"x":1}`},
		"no group":           {func(l *slog.Logger) *slog.Logger { return l.WithGroup("") }, `"x":1` + ids},
		"a group and more":   {func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2) }, `"a":1` + ids + `,"g":{"b":2,"x":1}`},
		"a group in a group": {func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").With("b", 2).WithGroup("h") }, ids[1:] + `,"g":{"b":2,"h":{"x":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			noTime := func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
					return slog.Attr{}
				}
				return a
			}
			l := slog.New(inngestotel.LogHandler(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: noTime})))
			// Loggers derived from the same one do not share later attributes.
			tc.with(l).With("other", 1)
			tc.with(l).InfoContext(inSpan(t), "hello", "x", 1)
			require.Equal(t, "{"+tc.want+"}\n", out.String())
		})
	}
}

// Without a span, the handler adds nothing.
func TestLogHandlerWithoutSpan(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := slog.New(inngestotel.LogHandler(slog.NewJSONHandler(&out, nil)))
	l.Info("plain")
	l.WithGroup("g").With("a", 1).Info("in a group")
	require.Contains(t, out.String(), "in a group")
	require.NotContains(t, out.String(), "trace_")
	require.NotContains(t, out.String(), "span_id")
}

// The handler does not change records, which may go to several handlers.
func TestLogHandlerLeavesRecordsAlone(t *testing.T) {
	t.Parallel()
	record := slog.Record{Message: "hello"}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		record.AddAttrs(slog.Int(key, 1))
	}
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		require.NoError(t, inngestotel.LogHandler(slog.NewJSONHandler(out, nil)).Handle(inSpan(t), record))
	}
	require.Equal(t, first.String(), second.String())
	require.Equal(t, 10, record.NumAttrs())
	handler := inngestotel.LogHandler(slog.DiscardHandler)
	require.Equal(t, handler, handler.WithGroup(""), "the contract of slog.Handler")
}
