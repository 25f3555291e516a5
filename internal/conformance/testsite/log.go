package testsite

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log keeps what a logger writes, one line per Write. The zero value is ready.
type Log struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{} // closed by the next Write
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrote != nil {
		close(l.wrote)
		l.wrote = nil
	}
	return l.text.Write(p)
}

// String returns everything that has been logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Await waits up to [Timeout] for a line that contains text, and returns the first one.
func (l *Log) Await(t *testing.T, text string) (line string) {
	t.Helper()
	timeout := time.After(Timeout)
	for {
		line, wrote := l.find(text)
		if wrote == nil {
			return line
		}
		select {
		case <-wrote:
		case <-timeout:
			t.Fatalf("%q was never logged, but\n%s", text, l)
		}
	}
}

// find returns the first line that contains text, or a channel that the next Write
// closes.
func (l *Log) find(text string) (line string, wrote <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			return line, nil
		}
	}
	if l.wrote == nil {
		l.wrote = make(chan struct{})
	}
	return "", l.wrote
}
