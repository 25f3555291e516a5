package devserver

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLineWriterHandsOnWholeLines(t *testing.T) {
	t.Parallel()
	var lines []string
	w := newLineWriter(func(line []byte) { lines = append(lines, string(line)) })
	for _, part := range []string{"a", "b\nc\n", "\nd"} {
		n, err := w.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, []string{"ab\n", "c\n", "\n"}, lines)
	w.flush()
	w.flush()
	require.Equal(t, []string{"ab\n", "c\n", "\n", "d\n"}, lines)
}

func TestTailBufferKeepsTheEnd(t *testing.T) {
	t.Parallel()
	b := newTailBuffer(10)
	_, _ = b.Write([]byte("one\ntwo\n"))
	require.Equal(t, "one\ntwo\n", b.String())
	_, _ = b.Write([]byte("three\n"))
	require.Equal(t, "three\n", b.String(), "the cut is at the beginning of a line")
	for range 1000 {
		_, _ = b.Write([]byte("4444444\n"))
	}
	require.Equal(t, "4444444\n", b.String())
	require.LessOrEqual(t, cap(b.buf), 100, "it does not grow")
}

// The log never has the keys, even if the server writes them in pieces.
func TestLogLineRedacts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cfg := Config{SigningKey: "signkey-prod-0123abcd", EventKey: "the-event-key", Log: &log}
	s := &Server{cfg: &cfg, log: newTailBuffer(logTail)}
	w := newLineWriter(s.logLine(cfg.secrets()))
	for part := range strings.SplitSeq("POST /e/the-event|-key with signkey-prod-0123|abcd or "+hashedKey(cfg.SigningKey)+"\n", "|") {
		_, _ = w.Write([]byte(part))
	}
	require.Equal(t, "POST /e/[redacted] with signkey-prod-[redacted] or [redacted]\n", s.Logs())
	require.Equal(t, s.Logs(), log.String())
}
