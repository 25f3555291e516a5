package safe

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// brittle is a handler with one method that panics as long as broken is true.
type brittle struct {
	slog.Handler

	method string
	broken *bool
}

func (h brittle) Enabled(ctx context.Context, level slog.Level) bool {
	h.panics("Enabled")
	return h.Handler.Enabled(ctx, level)
}

func (h brittle) Handle(ctx context.Context, record slog.Record) error {
	h.panics("Handle")
	return h.Handler.Handle(ctx, record)
}

func (h brittle) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.panics("WithAttrs")
	return brittle{h.Handler.WithAttrs(attrs), h.method, h.broken}
}

func (h brittle) WithGroup(name string) slog.Handler {
	h.panics("WithGroup")
	return brittle{h.Handler.WithGroup(name), h.method, h.broken}
}

func (h brittle) panics(method string) {
	if *h.broken && h.method == method {
		panic(method + " is broken")
	}
}

// A handler that panics loses as little as possible, and is reported once a minute.
func TestLoggerWhoseHandlerPanics(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{
		"Enabled":   "level=INFO msg=m a=1 g.b=2\n",
		"Handle":    "",
		"WithAttrs": "level=INFO msg=m g.b=2\n",
		"WithGroup": "level=INFO msg=m a=1 b=2\n",
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged, reported bytes.Buffer
				broken := true
				text := slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: withoutTime})
				logger := slog.New(newHandler(brittle{text, method, &broken}, &reported))
				write := func() string {
					logged.Reset()
					logger.With("a", 1).WithGroup("g").Info("m", "b", 2)
					logger.Debug("not wanted")
					return logged.String()
				}
				require.Equal(t, want, write())
				require.Equal(t, want, write())
				require.Equal(t, "inngest: "+method+" of the Logger's handler (safe.brittle) panicked, "+
					"so a record or a part of it is lost: "+method+" is broken\n", reported.String())
				time.Sleep(time.Minute)
				write()
				require.Equal(t, 2, strings.Count(reported.String(), "\n"))
				broken = false
				require.Equal(t, "level=INFO msg=m a=1 g.b=2\n", write())
			})
		})
	}
}

func withoutTime(groups []string, attr slog.Attr) slog.Attr {
	if len(groups) == 0 && attr.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return attr
}
