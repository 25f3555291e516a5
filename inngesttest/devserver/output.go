package devserver

import (
	"bytes"
	"sync"
)

// A lineWriter passes on its input in whole lines, each with its line feed. It is safe for
// concurrent use.
type lineWriter struct {
	line func([]byte)

	mu   sync.Mutex
	rest []byte
}

func newLineWriter(line func([]byte)) *lineWriter { return &lineWriter{line: line} }

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.line(w.rest[:end+1])
		w.rest = w.rest[end+1:]
	}
}

// flush passes on what was written after the last line feed.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.line(append(w.rest, '\n'))
		w.rest = nil
	}
}

// A tailBuffer keeps the last bytes written to it.
type tailBuffer struct {
	max int

	mu  sync.Mutex
	buf []byte
	cut bool // buf has lost the beginning of the output
}

func newTailBuffer(size int) *tailBuffer { return &tailBuffer{max: size} }

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	// Cutting only at twice the size makes the copying rare.
	if len(t.buf) > 2*t.max {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.max:]...)
		t.cut = true
	}
	return len(p), nil
}

// String returns the kept bytes, starting with a whole line.
func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	tail, cut := t.buf, t.cut
	if len(tail) > t.max {
		tail, cut = tail[len(tail)-t.max:], true
	}
	if i := bytes.IndexByte(tail, '\n'); cut && i >= 0 {
		tail = tail[i+1:]
	}
	return string(tail)
}
