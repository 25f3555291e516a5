package inngesttest

import (
	"log/slog"
	"strings"
	"testing"
)

// maxAttr bounds a text in the log, in bytes.
const maxAttr = 1 << 10

// testLogger returns a logger that writes to the test's log.
func testLogger(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(logWriter{tb}, &slog.HandlerOptions{
		Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			if a.Value.Kind() == slog.KindString && len(a.Value.String()) > maxAttr {
				a.Value = slog.StringValue(strings.ToValidUTF8(a.Value.String()[:maxAttr], "") + "…")
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
