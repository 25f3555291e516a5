package inngesttest

import (
	"log/slog"
	"strings"
	"testing"
)

// testLogger returns a logger that writes to the test's log.
func testLogger(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(logWriter{tb}, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

type logWriter struct{ tb testing.TB }

func (w logWriter) Write(line []byte) (int, error) {
	w.tb.Log(strings.TrimSuffix(string(line), "\n"))
	return len(line), nil
}
