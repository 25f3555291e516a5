package demo

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// logTailLines is the number of lines of a log shown after a failure.
const logTailLines = 20

// A logTail keeps the last lines written to it.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

// Write implements [io.Writer].
func (l *logTail) Write(p []byte) (int, error) {
	l.add(string(p))
	return len(p), nil
}

func (l *logTail) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = slices.AppendSeq(l.lines, strings.Lines(text))
	if n := len(l.lines); n > logTailLines {
		l.lines = slices.Delete(l.lines, 0, n-logTailLines)
	}
}

// titled returns the lines below a title, or "" without lines.
func (l *logTail) titled(title string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return ""
	}
	return fmt.Sprintf("%s:\n%s\n", title, strings.Join(l.lines, ""))
}
